"""The discriminator of patches (Isola et al. 2017, arXiv:1611.07004, sections 3.2.2 and 6.1.2), at several scales."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import MultiScale, require_labels
from ganzoo.plugin import DataInfo, DiscriminatorOutput, UsageError
from ganzoo_translation.blocks import SLOPE, Norm, finish_network, has_bias, make_norm
from ganzoo_translation.options import Pix2PixOptions, UnpairedOptions

MOST = 8  # times the channels of the first layer
LEAST = 3  # pixels of the maps after the layers with stride 2: the last two convolutions take one each


class PatchGAN(nn.Module):
    """Images ``[N, C, H, W]`` to a map of logits ``[N, 1, h, w]``, each of which sees one square of the images.

    With 3 layers of stride 2 the squares are 70x70: C64-C128-C256-C512 in the paper's words. 1 layer gives 16x16, 5
    give 286x286, and 0 a network of 1x1 convolutions that sees single pixels. The first layer has no normalisation. The
    features are the maps of all layers but the last one.

    Args:
        channels: The number of channels of the images.
        conditions: The number of channels of the labels, which are concatenated with the images; 0 for a discriminator
            that does not see the labels.
        width: The number of channels of the first layer.
        layers: The number of layers with stride 2.
        norm: The kind of normalisation, as `make_norm` takes it.
        spectral: Whether weights are normalised too.
    """

    def __init__(
        self, channels: int, conditions: int, width: int, layers: int, norm: Norm, spectral: bool = False
    ) -> None:
        super().__init__()
        self.conditional = conditions > 0
        size, padding = (4, 1) if layers else (1, 0)
        widths = [width * min(2**layer, MOST) for layer in range(max(layers, 1) + 1)]
        strides = [2] * layers + [1] * (len(widths) - layers)
        self.layers, before = nn.ModuleList(), channels + conditions
        for number, (after, stride) in enumerate(zip(widths, strides, strict=True)):
            conv = nn.Conv2d(before, after, size, stride, padding, bias=has_bias(norm) or not number)
            normed = make_norm(norm, after) if number else []
            self.layers.append(nn.Sequential(conv, *normed, nn.LeakyReLU(SLOPE)))
            before = after
        self.last = nn.Conv2d(before, 1, size, 1, padding)
        finish_network(self, spectral)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return logits and features of images `x`."""
        if self.conditional:
            require_labels(labels, True)
            assert labels is not None
            x = torch.cat([x, labels.to(x.dtype)], 1)
        features = []
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return DiscriminatorOutput(self.last(x), features=features)


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
