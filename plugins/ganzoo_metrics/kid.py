"""Kernel distance of features: KID."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo
from ganzoo_metrics.kept import KeptFeatures
from ganzoo_metrics.options import KIDOptions


class KID(KeptFeatures):
    """The squared maximum mean discrepancy of the features, without bias: the mean over random subsets.

    Binkowski et al. 2018 (arXiv:1801.01401), section 3, with the kernel ``(x.y / F + 1)^3``. Its expectation does not
    depend on the number of samples. It is 0 for equal distributions, so estimates may be negative.
    """

    def __init__(self, options: KIDOptions, data: DataInfo) -> None:
        self.options = options
        super().__init__()

    def compute(self) -> dict[str, float]:
        """Return ``kid``; raise ValueError where a side has fewer than 2 samples."""
        real, fake = self.join_sides(2)
        sizes = [min(len(rows), self.options.size) for rows in (real, fake)]
        whole = sizes == [len(real), len(fake)]  # then each subset is the same
        values = [
            compute_mmd(*(_draw(rows, size) for rows, size in zip((real, fake), sizes, strict=True)))
            for _ in range(1 if whole else self.options.subsets)
        ]
        return {"kid": sum(values) / len(values)}


def compute_mmd(one: Tensor, other: Tensor) -> float:
    """Return the unbiased squared discrepancy of rows ``[n, F]`` and ``[m, F]`` under the kernel ``(x.y / F + 1)^3``.

    Gretton et al. 2012, A Kernel Two-Sample Test, eq. 3: the mean over pairs of different rows of each side, minus
    twice the mean over pairs of the two sides.
    """
    one, other = (torch.nn.functional.pad(rows / math.sqrt(rows.shape[1]), (0, 1), value=1) for rows in (one, other))
    within = sum(
        (_sum_kernel(rows, rows) - _sum_diagonal(rows)) / (len(rows) * (len(rows) - 1)) for rows in (one, other)
    )
    return float(within - 2 * _sum_kernel(one, other) / (len(one) * len(other)))


def _sum_kernel(one: Tensor, other: Tensor) -> Tensor:
    """Return the sum of ``(x.y)^3`` over all pairs of rows."""
    products = (one @ other.T).flatten()
    return products.square() @ products


def _sum_diagonal(rows: Tensor) -> Tensor:
    return rows.square().sum(1).pow(3).sum()


def _draw(rows: Tensor, size: int) -> Tensor:
    """Return `size` different rows at random."""
    return rows[torch.randperm(len(rows))[:size].to(rows.device)]
