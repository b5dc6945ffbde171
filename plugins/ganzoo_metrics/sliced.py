"""Sliced distances: means over random directions of distances in one dimension, where sorting solves the transport."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ganzoo.plugin import DataInfo
from ganzoo_metrics.kept import NUMBERS, KeptFeatures
from ganzoo_metrics.options import MINDOptions


class MIND(KeptFeatures):
    """The Monge Inception Distance: 3 F times the mean squared 2-Wasserstein distance of projected features.

    Berthet et al. 2026 (arXiv:2605.06797). Of shifted distributions it is three times the squared shift. Where one side
    has more samples, its first ones are taken.
    """

    def __init__(self, options: MINDOptions, data: DataInfo) -> None:
        self.options = options
        super().__init__()

    def compute(self) -> dict[str, float]:
        """Return ``mind``; raise ValueError where a side has no samples."""
        real, fake = self.join_sides(1)
        squares = torch.cat(
            [gaps.square().mean(1) for gaps in iterate_sorted_gaps(real, fake, self.options.directions)]
        )
        return {"mind": 3 * real.shape[1] * float(squares.mean())}


def iterate_sorted_gaps(one: Tensor, other: Tensor, directions: int) -> Iterator[Tensor]:
    """Yield the differences of projected rows after sorting, ``[d, n]`` of d directions at a time.

    Args:
        one: The rows ``[N, F]``.
        other: The other rows ``[M, F]``; of the larger set the first rows are taken, so that both have n.
        directions: The number of directions, drawn uniformly from torch's default generator on the CPU.
    """
    num = min(len(one), len(other))
    drawn = torch.randn(directions, one.shape[1], dtype=torch.float64)
    drawn = (drawn / drawn.norm(dim=1, keepdim=True)).to(one)
    for part in drawn.split(max(1, NUMBERS // num)):
        yield _sort(part @ one[:num].T) - _sort(part @ other[:num].T)


def _sort(rows: Tensor) -> Tensor:
    """Sort each row; on the CPU by numpy, which is many times faster there."""
    return torch.from_numpy(np.sort(rows.numpy(), axis=1)) if rows.device.type == "cpu" else rows.sort(dim=1).values
