"""What the augmentations share: which images change, reflection at the borders, and reading pixels by their indices."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.plugin import UsageError


def require_images(images: Tensor, name: str) -> None:
    """Raise UsageError if the samples of augmentation `name` are not images ``[N, C, H, W]``."""
    if images.dim() != 4:
        raise UsageError(f"aug {name!r} changes images, not samples {list(images.shape[1:])}: remove it")


def choose(images: Tensor, p: float | Tensor) -> Tensor:
    """Return which images change, each with probability `p`: bool ``[N, 1, 1, 1]``."""
    return torch.rand(len(images), 1, 1, 1, device=images.device) < p


def reflect(index: Tensor, size: int) -> Tensor:
    """Return indices between 0 and ``size - 1``: those outside are mirrored at the first and at the last pixel."""
    last = size - 1
    return last - (torch.remainder(index, max(2 * last, 1)) - last).abs()


def make_reflection(size: int, margin: int, like: Tensor) -> Tensor:
    """Return the matrix ``[size + 2 margin, size]`` that extends a row of pixels at both ends by its mirror image."""
    index = reflect(torch.arange(-margin, size + margin, device=like.device), size)
    return (index[:, None] == torch.arange(size, device=like.device)).to(like.dtype)


def read_pixels(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the pixels of images ``[N, C, H, W]`` at these indices, ``[N, C, h, w]``; no pixel is blended.

    Args:
        images: The images, ``[N, C, H, W]``.
        rows: Row of each pixel in its image, int64 ``[N, h, w]``, or a shape that is broadcast to it.
        columns: Column of each pixel in its image, in the same way.
    """
    index = rows * images.shape[3] + columns  # [N, h, w]
    flat = index.flatten(1)[:, None].expand(-1, images.shape[1], -1)
    return images.flatten(2).gather(2, flat).reshape(*images.shape[:2], *index.shape[1:])
