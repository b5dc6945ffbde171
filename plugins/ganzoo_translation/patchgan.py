"""The discriminator of translators: PatchGAN at several scales."""

from __future__ import annotations

from functools import partial

from torch.nn import functional as F

from ganzoo.layers import MultiScale, PatchGAN
from ganzoo.plugin import DataInfo, UsageError
from ganzoo_translation.options import Pix2PixOptions, UnpairedOptions

LEAST = 3  # pixels of the maps after the layers with stride 2: the last two convolutions take one each


def build_discriminator(
    options: Pix2PixOptions | UnpairedOptions, data: DataInfo, conditions: int, arch: str, scales: int = 1
) -> PatchGAN | MultiScale:
    """Return a discriminator of patches; for several scales one for each, the finest first.

    Each scale has half the sides of the one before (Wang et al. 2018, arXiv:1711.11585, section 3.2), by the mean of
    3x3 pixels as in the authors' code.

    Args:
        options: The options of the architecture.
        data: The data of the samples.
        conditions: The number of channels of the labels that it sees; 0 for none.
        arch: The architecture's name in messages.
        scales: The number of scales.

    Raises:
        UsageError: The images are too small for so many layers and scales.
    """
    layers, width = options.layers_d, options.width_d or options.width
    side, halvings = min(data.shape[1:]), layers + scales - 1
    if layers and side < LEAST * 2**halvings:
        raise UsageError(
            f"arch {arch!r}: a discriminator with arch.layers_d={layers} and {scales} scales needs images of at least "
            f"{LEAST * 2**halvings} pixels, not {side}: lower arch.layers_d"
        )
    settings = (data.shape[0], conditions, width, layers, options.norm_d, options.spectral_d)
    members = [PatchGAN(*settings) for _ in range(scales)]
    return members[0] if scales == 1 else MultiScale(members, shrink=halve)


halve = partial(F.avg_pool2d, kernel_size=3, stride=2, padding=1, count_include_pad=False)
