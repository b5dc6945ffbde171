"""DiffAugment (Zhao et al. 2020, arXiv:2006.10738): colours, translation and cutout of all that D sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_augmentations import DiffAugmentOptions
from ganzoo_augmentations.cutout import cut_out
from ganzoo_augmentations.pixels import choose, require_images
from ganzoo_augmentations.translate import translate


@dataclass(frozen=True)
class DiffAugment:
    """Applies the operations of `policy`, each to each image with probability `p`; the paper's is 1 (section 3.2)."""

    options: DiffAugmentOptions
    data: DataInfo

    def __post_init__(self) -> None:
        if not self.options.policy:
            raise UsageError("the policy of aug 'diffaugment' is empty, so it changes nothing: remove it")

    def __call__(self, images: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Return augmented images ``[N, C, H, W]``. If labels are given, return images and labels.

        Raises:
            UsageError: The samples are not images.
        """
        require_images(images, "diffaugment")
        p = self.options.p
        for name in self.options.policy:
            match name:
                case "colour":
                    for change in (_brighten, _saturate, _contrast):
                        images = _change(images, p, change)
                case "translation":
                    images, labels = translate(images, labels, p, share=1 / 8)
                case "cutout":
                    images, labels = cut_out(images, labels, p, share=1 / 2)
        return images if labels is None else (images, labels)


# ----------------------------------------------------------------------------
# Colours. Each function gets images [N, C, H, W] and uniform random numbers [N, 1, 1, 1].


def _change(images: Tensor, p: float | Tensor, change: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    chosen, draw = choose(images, p), torch.rand(len(images), 1, 1, 1, device=images.device)
    return torch.where(chosen, change(images, draw), images)


def _brighten(images: Tensor, draw: Tensor) -> Tensor:
    """Add a number between -0.5 and 0.5."""
    return images + (draw - 0.5)


def _saturate(images: Tensor, draw: Tensor) -> Tensor:
    """Scale the distance of colours from grey by a number between 0 and 2."""
    return torch.lerp(images.mean(1, keepdim=True), images, (2 * draw).to(images.dtype))


def _contrast(images: Tensor, draw: Tensor) -> Tensor:
    """Scale the distance of all numbers from the image's mean by a number between 0.5 and 1.5."""
    return torch.lerp(images.mean((1, 2, 3), keepdim=True), images, (draw + 0.5).to(images.dtype))
