"""What the networks of translators share: padding, and the check of the data."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from ganzoo.plugin import DataInfo, UsageError

Norm = Literal["batch", "instance", "unscaled", "none"]
SLOPE = 0.2  # of leaky rectifiers below 0


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
