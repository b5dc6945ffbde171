"""Cutout: a rectangle at a random position of each image becomes 0."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo
from ganzoo_augmentations import CutoutOptions
from ganzoo_augmentations.pixels import choose, require_images


@dataclass(frozen=True)
class Cutout:
    """Cuts a rectangle out of each image with probability `p` (DeVries & Taylor 2017, arXiv:1708.04552)."""

    options: CutoutOptions
    data: DataInfo

    def __call__(self, images: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Return images ``[N, C, H, W]``, some with a rectangle of 0. If labels are given, return images and labels.

        Raises:
            UsageError: The samples are not images.
        """
        require_images(images, "cutout")
        images, labels = cut_out(images, labels, self.options.p, self.options.share)
        return images if labels is None else (images, labels)


def cut_out(images: Tensor, labels: Tensor | None, p: float | Tensor, share: float) -> tuple[Tensor, Tensor | None]:
    """Cut a rectangle out of each image, and out of its label image, with probability `p`.

    Its sides are `share` of the image's, and its centre is uniform over the image. Parts beyond the borders are lost
    (Zhao et al. 2020, arXiv:2006.10738; Karras et al. 2020, arXiv:2006.06676, appendix B).
    """
    chosen = choose(images, p)
    vertical, horizontal = torch.rand(2, len(images), device=images.device)

    def cut(x: Tensor) -> Tensor:
        rows, columns = _cover(vertical, x.shape[2], share), _cover(horizontal, x.shape[3], share)  # [N, H], [N, W]
        return torch.where(chosen & rows[:, None, :, None] & columns[:, None, None], 0, x)

    return cut(images), None if labels is None else cut(labels)


def _cover(draw: Tensor, size: int, share: float) -> Tensor:
    """Return which pixels of a side are cut out, bool ``[N, size]``; each possible position is equally likely."""
    side = int(size * share + 0.5)
    start = (draw * (size + 1 - side % 2)).floor() - side // 2
    position = torch.arange(size, device=draw.device)
    return (position >= start[:, None]) & (position < start[:, None] + side)
