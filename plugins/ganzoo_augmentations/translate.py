"""Translation: images move by whole pixels, and what comes into view is black, grey or whatever 0 is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo
from ganzoo_augmentations import TranslateOptions
from ganzoo_augmentations.pixels import choose, read_pixels, require_images


@dataclass(frozen=True)
class Translate:
    """Moves each image with probability `p` (Zhao et al. 2020, arXiv:2006.10738, section 3.2)."""

    options: TranslateOptions
    data: DataInfo

    def __call__(self, images: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Return images ``[N, C, H, W]``, some of them moved. If labels are given, return images and labels.

        Raises:
            UsageError: The samples are not images.
        """
        require_images(images, "translate")
        images, labels = translate(images, labels, self.options.p, self.options.share)
        return images if labels is None else (images, labels)


def translate(images: Tensor, labels: Tensor | None, p: float | Tensor, share: float) -> tuple[Tensor, Tensor | None]:
    """Move each image, and its label image, by whole pixels with probability `p`.

    The distance is uniform among those of at most `share` of a side, in both directions and for both axes.
    """
    chosen = choose(images, p).flatten()
    vertical, horizontal = torch.rand(2, len(images), device=images.device)

    def move(x: Tensor) -> Tensor:
        rows, columns = _shift(vertical, x.shape[2], share), _shift(horizontal, x.shape[3], share)  # [N, H], [N, W]
        inside = _is_inside(rows, x.shape[2])[:, None, :, None] & _is_inside(columns, x.shape[3])[:, None, None]
        moved = read_pixels(x, rows.clamp(0, x.shape[2] - 1)[:, :, None], columns.clamp(0, x.shape[3] - 1)[:, None])
        return torch.where(chosen[:, None, None, None], torch.where(inside, moved, 0), x)

    return move(images), None if labels is None else move(labels)


def _shift(draw: Tensor, size: int, share: float) -> Tensor:
    """Return the index that each pixel of a side is read from, ``[N, size]``; some are outside of the image."""
    reach = int(size * share + 0.5)
    distance = (draw * (2 * reach + 1)).floor().long() - reach
    return torch.arange(size, device=draw.device) - distance[:, None]


def _is_inside(index: Tensor, size: int) -> Tensor:
    return (index >= 0) & (index < size)
