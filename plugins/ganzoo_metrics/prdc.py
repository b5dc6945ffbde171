"""Precision, recall, density and coverage: which samples lie near which, in the space of the features."""

from __future__ import annotations

import torch

from ganzoo.plugin import DataInfo
from ganzoo_metrics.kept import KeptFeatures, compute_square_radii, iterate_square_distances
from ganzoo_metrics.options import PRDCOptions


class PRDC(KeptFeatures):
    """Shares of samples inside the balls of the other side; a ball reaches to the k-th nearest neighbour of its side.

    - ``precision``: generated samples in a real ball; ``recall``: real samples in a generated ball (Kynkaanniemi et al.
      2019, arXiv:1904.06991, eq. 1 and 2).
    - ``density``: real balls around a generated sample, in multiples of k, so it can be above 1; ``coverage``: real
      balls with a generated sample (Naeem et al. 2020, arXiv:2002.09797, eq. 3 and 4). Their balls are open, so that
      equal sets have density 1.

    With N real and M generated samples of one distribution, the expected density is 1, and the expected coverage is
    ``1 - prod (N - i) / (M + N - i)`` over i = 1 .. k. Memory for distances is bounded.
    """

    def __init__(self, options: PRDCOptions, data: DataInfo) -> None:
        self.options = options
        super().__init__()

    def compute(self) -> dict[str, float]:
        """Return the four shares; raise ValueError where a side has no k-th neighbour."""
        k = self.options.neighbours
        real, fake = self.join_sides(k + 1)
        real_radii, fake_radii = (compute_square_radii(rows, k) for rows in (real, fake))
        inside = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
        recalled, balls, covered = 0, 0, 0
        for start, distances in iterate_square_distances(real, fake):
            radii = real_radii[start : start + len(distances), None]
            inside |= (distances <= radii).any(0)
            recalled += int((distances <= fake_radii).any(1).sum())
            held = (distances < radii).sum(1)
            balls += int(held.sum())
            covered += int((held > 0).sum())
        return {
            "precision": float(inside.double().mean()),
            "recall": recalled / len(real),
            "density": balls / (k * len(fake)),
            "coverage": covered / len(real),
        }
