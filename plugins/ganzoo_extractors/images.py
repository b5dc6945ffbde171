"""Images as networks take them: three channels, a range, a size."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from ganzoo.plugin import DataInfo, UsageError


def require_rgb(data: DataInfo, name: str) -> None:
    """Raise UsageError if the images have other channels than grey, or red, green and blue."""
    if data.shape[0] not in (1, 3):
        raise UsageError(
            f"extractor {name!r} takes images of 1 or 3 channels, not {data.shape[0]}: use extractor 'random'"
        )


def make_rgb(samples: Tensor, data: DataInfo) -> Tensor:
    """Return images ``[N, C, H, W]`` as they are saved: clipped to [-1, 1] if they are stored as bytes.

    Images of one channel get three equal ones.
    """
    images = samples.clamp(-1, 1) if data.dtype == "uint8" else samples
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """Return images ``[N, C, height, width]``, resized by the antialiased bicubic filter of Pillow.

    Without antialiasing, shrinking makes patterns that are not in the image, which changes distances more than many a
    generator does (Parmar, Zhang & Zhu 2022, arXiv:2104.11222). The filter can overshoot the range of the images.
    """
    if images.shape[2:] == (height, width):
        return images
    return F.interpolate(images, (height, width), mode="bicubic", antialias=True)


def shrink(images: Tensor, size: int) -> Tensor:
    """Return images ``[N, C, h, w]`` whose longer side has at most `size` pixels; smaller images are unchanged."""
    height, width = images.shape[2:]
    factor = size / max(height, width)
    return images if factor >= 1 else resize(images, max(1, round(height * factor)), max(1, round(width * factor)))
