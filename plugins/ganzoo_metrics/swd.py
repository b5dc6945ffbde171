"""Sliced Wasserstein distance of small patches on each scale of images, after progressive growing (ProGAN)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_metrics.options import SWDOptions
from ganzoo_metrics.sliced import iterate_sorted_gaps

PATCH = 7  # pixels of a patch's side
SMALLEST = 16  # pixels of the shorter side of the last level at least
DIRECTIONS = 512
TAPS = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


class SWD:
    """The sliced Wasserstein distance of patches of 7x7 pixels, times 1000, for each level of a Laplacian pyramid.

    Karras et al. 2018 (arXiv:1710.10196), section 5: random patches of each image and level, whose channels are
    normalised over all patches of a side, are projected on 512 random directions, and the absolute differences of the
    sorted projections are averaged. Fine levels are about textures and noise, the coarsest one about the composition.
    The paper takes 128 patches of 16,384 images. The first images of each side are used.
    """

    def __init__(self, options: SWDOptions, data: DataInfo) -> None:
        if min(data.shape[1:]) < PATCH:
            raise UsageError(f"metric 'swd' compares patches of {PATCH}x{PATCH} pixels: choose larger images")
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.kept: dict[str, list[list[Tensor]]] = {"real": [], "fake": []}  # for each batch: patches of each level
        self.counts = {"real": 0, "fake": 0}
        self.generators = {side: torch.Generator().manual_seed(0) for side in self.kept}

    def real(self, batch: Tensor) -> None:
        """Add real images ``[n, C, H, W]``."""
        self._add("real", batch)

    def fake(self, batch: Tensor) -> None:
        """Add generated images ``[n, C, H, W]``."""
        self._add("fake", batch)

    def compute(self) -> dict[str, float]:
        """Return the distance of each level by its height in pixels, and ``mean``, the mean over levels.

        Raises:
            ValueError: A side has no images.
        """
        if not all(self.counts.values()):
            raise ValueError("it needs real and generated images")
        levels = [[torch.cat(parts) for parts in zip(*side, strict=True)] for side in self.kept.values()]
        values = {
            str(height): 1000 * _compare_patches(real, fake)
            for height, real, fake in zip(self.heights, *levels, strict=True)
        }
        return {**values, "mean": sum(values.values()) / len(values)}

    def _add(self, side: str, batch: Tensor) -> None:
        images = batch[: self.options.images - self.counts[side]].detach().float()
        if not len(images):
            return
        self.counts[side] += len(images)
        levels = build_pyramid(images)
        self.heights = [level.shape[2] for level in levels]
        where = torch.rand(len(images), len(levels), self.options.patches, 2, generator=self.generators[side])
        self.kept[side].append(
            [cut_patches(level, where[:, number].to(level.device)) for number, level in enumerate(levels)]
        )


def build_pyramid(images: Tensor) -> list[Tensor]:
    """Return the Laplacian pyramid of images ``[n, C, H, W]``, from the finest level to the small images that remain.

    Burt & Adelson 1983, The Laplacian Pyramid as a Compact Image Code: each level is what is lost by halving the size.
    """
    levels = []
    while min(images.shape[2:]) >= 2 * SMALLEST:
        small = _blur(images)[:, :, ::2, ::2]
        levels.append(images - enlarge(small, images.shape[2:]))
        images = small
    return [*levels, images]


def enlarge(small: Tensor, size: torch.Size) -> Tensor:
    """Double the size of images ``[n, C, h, w]``, to ``[n, C, *size]``, by zeros between the pixels and a blur."""
    spread = small.new_zeros(*small.shape[:2], *size)
    spread[:, :, ::2, ::2] = small
    return _blur(spread) * 4


def _blur(images: Tensor) -> Tensor:
    """Blur images with the binomial filter of five taps; they are mirrored at their edges."""
    kernel = torch.outer(TAPS, TAPS).to(images).expand(images.shape[1], 1, 5, 5)
    return F.conv2d(F.pad(images, (2, 2, 2, 2), mode="reflect"), kernel, groups=images.shape[1])


def cut_patches(images: Tensor, where: Tensor) -> Tensor:
    """Return patches ``[n * k, C, 7, 7]`` of images ``[n, C, H, W]``, at positions ``[n, k, 2]`` between 0 and 1."""
    rooms = torch.tensor([side - PATCH + 1 for side in images.shape[2:]], device=where.device)
    top, left = (where * rooms).long().flatten(0, 1).unbind(1)  # [n * k]
    steps = torch.arange(PATCH, device=where.device)
    owners = torch.arange(len(images), device=where.device).repeat_interleave(where.shape[1])[:, None, None]
    rows, columns = top[:, None, None] + steps[:, None], left[:, None, None] + steps
    return images.movedim(1, -1)[owners, rows, columns].movedim(-1, 1)


def _compare_patches(real: Tensor, fake: Tensor) -> float:
    gaps = iterate_sorted_gaps(_normalise(real), _normalise(fake), DIRECTIONS)
    return float(torch.cat([part.abs().mean(1) for part in gaps]).mean())


def _normalise(patches: Tensor) -> Tensor:
    """Return patches as rows ``[N, 147]`` (of three channels) whose channels have mean 0 and variance 1."""
    patches = patches.double()
    mean, variance = patches.mean((0, 2, 3), keepdim=True), patches.var((0, 2, 3), correction=0, keepdim=True)
    return ((patches - mean) / variance.clamp(min=1e-20).sqrt()).flatten(1)
