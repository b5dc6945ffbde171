"""Exact values of the metrics for a few points, computed by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from ganzoo.plugin import Case


def pixel_moments() -> Iterator[Case]:
    """Yield two Gaussians of equal covariances, and two of different ones."""
    square = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    yield Case(
        name="shift by (3, 4)",
        given={"real": square, "fake": square + torch.tensor([3.0, 4.0])},
        expected={"mean": math.sqrt(12.5), "std": 0.0, "fd": 25.0},
    )
    line = torch.tensor([[-1.0], [1.0]])  # variance 2
    yield Case(
        name="stretched three times and shifted by 1",
        given={"real": line, "fake": 3 * line + 1},
        expected={"mean": 1.0, "std": 2 * math.sqrt(2), "fd": 9.0},
    )
