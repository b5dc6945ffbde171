"""Means and covariances of features, summed in float64 batch by batch, and the distance of two Gaussians.

Plugins with metrics may import this module; `ganzoo.plugin.Metric` says how metrics get `Statistics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class Statistics:
    """Count, mean and covariance of rows ``[n, D]`` that are added in batches of any sizes; the rows are not kept.

    The sums are taken about the mean, in float64 on the device of the rows (Chan, Golub & LeVeque 1979, Updating
    formulae and a pairwise algorithm for computing sample variances, eq. 2.1).

    Attributes:
        count: The number of rows so far.
        mean: The mean of the rows, float64 ``[D]``.
        scatter: The sum of the outer products of the rows' distances from the mean, float64 ``[D, D]``.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.zeros((), dtype=torch.float64)
        self.scatter = torch.zeros((), dtype=torch.float64)
        self._root: Tensor | None = None  # of the covariance, once it was asked for

    def add(self, rows: Tensor) -> None:
        """Add rows ``[n, D]``; an empty batch changes nothing."""
        if not len(rows):
            return
        rows = rows.detach().double()
        mean = rows.mean(0)
        centred = rows - mean
        self._add_sums(len(rows), mean, centred.T @ centred)

    def merge(self, other: Statistics) -> None:
        """Add the rows of other statistics."""
        if other.count:
            self._add_sums(other.count, other.mean, other.scatter)

    def _add_sums(self, count: int, mean: Tensor, scatter: Tensor) -> None:
        total, self._root = self.count + count, None
        delta = mean - self.mean.to(mean)
        self.scatter = self.scatter.to(mean) + scatter
        self.scatter += delta[:, None] * delta * (self.count * count / total)
        self.mean = self.mean.to(mean) + delta * (count / total)
        self.count = total

    @property
    def covariance(self) -> Tensor:
        """The unbiased covariance, float64 ``[D, D]``; raises ValueError where there are fewer than 2 rows."""
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 samples, not {self.count}")
        return self.scatter / (self.count - 1)

    @property
    def root(self) -> Tensor:
        """The positive square root of the covariance, float64 ``[D, D]``, which is computed once for all distances."""
        if self._root is None:
            self._root = _matrix_sqrt(self.covariance)
        return self._root

    def measure_distance(self, other: Statistics) -> float:
        """Return `frechet_distance` from other statistics; raise ValueError where there are fewer than 2 rows."""
        return _combine(self.mean - other.mean, (self.covariance, other.covariance), (self.root, other.root))

    def to_tensors(self) -> dict[str, Tensor]:
        """Return count, mean and scatter as tensors by name, for `from_tensors`."""
        return {"count": torch.tensor(self.count), "mean": self.mean, "scatter": self.scatter}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Statistics:
        """Return the statistics of tensors that `to_tensors` returned."""
        statistics = cls()
        statistics.count = int(tensors["count"])
        statistics.mean, statistics.scatter = tensors["mean"], tensors["scatter"]
        return statistics


def frechet_distance(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> float:
    """Return the squared Frechet (2-Wasserstein) distance of two Gaussians, with means ``[D]``, covariances ``[D, D]``.

    ``|m - m'|^2 + tr(S + S' - 2 (S S')^(1/2))`` (Dowson & Landau 1982; Heusel et al. 2017, arXiv:1706.08500, eq. 6).
    The last trace is computed as the nuclear norm (the sum of the singular values) of ``S^(1/2) S'^(1/2)``, since the
    squares of these values are the eigenvalues of S S'. So it is real and never negative, and it contains no root of a
    rounding error where a covariance is singular.
    """
    covariances = covariance, other_covariance
    return _combine(mean - other_mean, covariances, [_matrix_sqrt(matrix) for matrix in covariances])


def _combine(difference: Tensor, covariances: Sequence[Tensor], roots: Sequence[Tensor]) -> float:
    overlap = torch.linalg.svdvals(roots[0] @ roots[1]).sum()
    traces = covariances[0].trace() + covariances[1].trace()
    return float((difference.square().sum() + traces - 2 * overlap).clamp(min=0))  # NaN stays NaN


def _matrix_sqrt(matrix: Tensor) -> Tensor:
    """Return the positive square root of a positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root
