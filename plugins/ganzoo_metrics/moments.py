"""Distances between the first two moments of generated and of real samples, in the data's own range.

Sums are computed in float64 (Chan, Golub & LeVeque 1979, Updating formulae and a pairwise algorithm for computing
sample variances). Counts, means and sums of products about the mean are stored, but not samples.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganzoo.evaluate.statistics import Statistics, frechet_distance
from ganzoo.plugin import DataInfo
from ganzoo_metrics.options import MomentsOptions


class PixelMoments:
    """Distances between real and generated samples of any shape; 0 if their moments are equal.

    - ``mean``: the root mean square, over the numbers of a sample, of the difference of the means.
    - ``std``: the same for the standard deviations.
    - ``fd``: the Frechet distance of the samples after `pool`, squared as in FID.
    """

    def __init__(self, options: MomentsOptions, data: DataInfo) -> None:
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.moments = {side: (Variances(), Statistics()) for side in ("real", "fake")}

    def real(self, batch: Tensor) -> None:
        """Add real samples ``[n, ...]``."""
        self._add("real", batch)

    def fake(self, batch: Tensor) -> None:
        """Add generated samples ``[n, ...]``."""
        self._add("fake", batch)

    def compute(self) -> dict[str, float]:
        """Return ``mean``, ``std`` and ``fd``.

        Raises:
            ValueError: There are fewer than two real or two generated samples, so that they have no variance.
        """
        (real, real_pooled), (fake, fake_pooled) = self.moments["real"], self.moments["fake"]
        stds = real.compute_unbiased().sqrt() - fake.compute_unbiased().sqrt()  # [D]
        return {
            "mean": float((real.mean - fake.mean).square().mean().sqrt()),
            "std": float(stds.square().mean().sqrt()),
            "fd": frechet_distance(real_pooled.mean, real_pooled.covariance, fake_pooled.mean, fake_pooled.covariance),
        }

    def _add(self, side: str, batch: Tensor) -> None:
        samples = batch.detach().double()
        variances, statistics = self.moments[side]
        variances.add(samples.flatten(1))
        statistics.add(pool(samples, self.options.dimensions))


class Variances:
    """The mean ``[D]`` and the variances ``[D]`` of rows that are added in batches."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor = torch.zeros(())
        self.squares: Tensor = torch.zeros(())  # sums about the mean

    def add(self, rows: Tensor) -> None:
        """Add rows, float64 ``[n, D]``."""
        mean = rows.mean(0)
        delta = mean - self.mean.to(rows)
        total = self.count + len(rows)
        self.squares = self.squares.to(rows) + (rows - mean).square().sum(0)
        self.squares += delta.square() * (self.count * len(rows) / total)
        self.mean = self.mean.to(rows) + delta * (len(rows) / total)
        self.count = total

    def compute_unbiased(self) -> Tensor:
        """Return the unbiased variances; raise ValueError if there are fewer than 2 rows."""
        if self.count < 2:
            raise ValueError("moments need at least 2 real and 2 generated samples")
        return self.squares / (self.count - 1)


def pool(samples: Tensor, dimensions: int) -> Tensor:
    """Average samples ``[n, ...]`` over cells and return rows ``[n, D]``, with D at most `dimensions` if possible.

    A cell is k x k pixels of an image ``[n, C, H, W]``, k steps of ``[n, C, T]``, or k neighbours of ``[n, D]``, with
    the smallest k that suffices. Cells at the far edge may be smaller. Channels are not averaged.
    """
    channels = samples.shape[1] if samples.dim() > 2 else 1
    spread = samples.reshape(len(samples), channels, -1, samples.shape[-1])  # [n, C, H, W]
    height, width = spread.shape[2:]
    largest = max(height, width)
    k = next((k for k in range(1, largest) if _count_cells(channels, height, width, k) <= dimensions), largest)
    if k == 1:
        return samples.flatten(1)
    cell = (min(k, height), min(k, width))
    return avg_pool2d(spread, cell, ceil_mode=True).flatten(1)


def _count_cells(channels: int, height: int, width: int, k: int) -> int:
    return channels * math.ceil(height / k) * math.ceil(width / k)
