"""What the networks of translators share: normalisation, padding, first weights, and the check of the data."""

from __future__ import annotations

from functools import partial
from typing import Literal, TypeVar

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import draw_weights, spectral_norm_all
from ganzoo.plugin import DataInfo, UsageError

Norm = Literal["batch", "instance", "unscaled", "none"]
Network = TypeVar("Network", bound=nn.Module)
SLOPE = 0.2  # of leaky rectifiers below 0
STD = 0.02  # of first weights, in all papers here


def make_norm(norm: Norm, channels: int) -> list[nn.Module]:
    """Return the normalisation of a layer: a list of one module, or of none.

    ``instance`` has a learned scale and bias, so it is ``batch`` for batches of one sample. ``unscaled`` is instance
    normalisation without them, as in CycleGAN.
    """
    match norm:
        case "batch":
            return [nn.BatchNorm2d(channels)]
        case "instance":
            return [nn.InstanceNorm2d(channels, affine=True)]
        case "unscaled":
            return [nn.InstanceNorm2d(channels)]
    return []


def has_bias(norm: Norm) -> bool:
    """Return whether a convolution before this normalisation has a bias: where the normalisation has none."""
    return norm not in ("batch", "instance")


def finish_network(network: Network, spectral: bool = False) -> Network:
    """Draw the first weights of a network, and add spectral normalisation if it is asked for.

    Weights of convolutions are N(0, 0.02), scales of normalisations N(1, 0.02), biases 0 (Isola et al. 2017, section
    6.2, and the authors' code).
    """
    draw_weights(network, partial(nn.init.normal_, std=STD))
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d)) and module.weight is not None:
            nn.init.normal_(module.weight, 1.0, STD)
    return spectral_norm_all(network) if spectral else network


def pad_to_multiple(images: Tensor, multiple: int, least: int = 1) -> Tensor:
    """Repeat the last row and column of images until both sides are multiples of a number, at least `least` times."""
    height, width = images.shape[2:]
    down, right = (max(-(-side // multiple), least) * multiple - side for side in (height, width))
    return F.pad(images, (0, right, 0, down), mode="replicate") if down or right else images


def require_images(data: DataInfo, arch: str) -> None:
    """Raise UsageError unless labels are images of the size of the samples."""
    if not data.labels_are_images:
        raise UsageError(f"arch {arch!r} translates images: use data whose labels are images, as --dataset pairs has")
    (height, width), (other_height, other_width) = data.shape[1:], data.label_shape[1:]
    if (height, width) != (other_height, other_width):
        raise UsageError(
            f"arch {arch!r} keeps the size of images, and inputs are {other_width}x{other_height}, images to generate "
            f"{width}x{height}: give both the same size (dataset.input_size=none)"
        )
