"""Horizontal mirroring, of real and generated images alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_augmentations import FlipOptions


@dataclass(frozen=True)
class Flip:
    """Mirrors each image left to right with probability `p`; at ``p=0`` it is the identity, bit for bit.

    At ``p=0.5`` D sees an image and its mirror image equally often, so G may generate either. At any other `p` one of
    them is rarer, and G learns which (Karras et al. 2020, ADA, arXiv:2006.06676, section 2.2).
    """

    options: FlipOptions
    data: DataInfo

    def __call__(self, images: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Return images ``[N, C, H, W]``, some of them mirrored. If labels are given, return images and labels.

        Raises:
            UsageError: The samples are not images.
        """
        if images.dim() != 4:
            raise UsageError(f"aug 'flip' mirrors images, not samples {list(images.shape[1:])}: remove it")
        mirrored = (torch.rand(len(images), device=images.device) < self.options.p)[:, None, None, None]
        flipped = torch.where(mirrored, images.flip(3), images)  # p may be a tensor
        return flipped if labels is None else (flipped, torch.where(mirrored, labels.flip(3), labels))
