"""Smoothness: how far samples move when their latents move a little."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, NoOptions

TRIMMED = 0.01  # share of the smallest and of the largest values that do not count


class Smoothness:
    """The mean of ``|f(start) - f(end)|^2 / step^2`` over generated samples, without the smallest and largest 1 %.

    Karras et al. 2019 (arXiv:1812.04948), section 4.1, with the squared distance of an extractor's features instead of
    LPIPS. Small values mean that samples change evenly along a path between latents. It is their perceptual path length
    only with their distance, and it says nothing about what the samples show.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.kept: list[Tensor] = []

    def path(self, start: Mapping[str, Tensor], end: Mapping[str, Tensor], step: float) -> None:
        """Add features ``[n, F]`` of samples, and of those that lie a share `step` of a path further."""
        gaps = end["features"].detach().double() - start["features"].detach().double()
        self.kept.append(gaps.square().sum(1) / step**2)

    def compute(self) -> dict[str, float]:
        """Return ``length``, the path length; raise ValueError if there are no samples."""
        if not self.kept:
            raise ValueError("it needs samples along paths of latents")
        lengths = torch.cat(self.kept).sort().values
        cut = int(TRIMMED * len(lengths))
        return {"length": float(lengths[cut : len(lengths) - cut].mean())}
