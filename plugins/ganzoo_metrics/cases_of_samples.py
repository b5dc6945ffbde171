"""Exact values of the metrics that read samples themselves, for a few samples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from ganzoo.plugin import Case
from ganzoo_metrics import TWO_MODES


def modes() -> Iterator[Case]:
    """Yield five samples of two modes at (-1, 0) and (1, 0) with standard deviation 0.2."""
    real = torch.tensor([[-1.2, 0.0], [-0.8, 0.0], [0.8, 0.0], [1.2, 0.0], [1.0, 0.4]])  # neighbours at 0.4 to 0.447
    fake = torch.tensor([[-1.0, 0.2], [-1.0, 0.0], [-1.2, 0.0], [1.0, 0.1], [1.0, 0.7]])  # the last is 3.5 sigma away
    inside = 1 - math.exp(-4.5)
    variance = 0.04 * (1 - 4.5 * (1 - inside) / inside)
    yield Case(
        name="three samples near one mode and one near the other",
        given={"real": real, "fake": fake, "data": TWO_MODES},
        expected={
            "modes": 2.0,
            "modes-any": 2.0,
            "share": 0.8,
            "kl": 0.75 * math.log(1.5) + 0.25 * math.log(0.5),
            "std": math.sqrt(0.08 / 6 / variance),  # of the only mode with two samples or more
            "spread": 0.5,
        },
        tolerance=1e-6,
    )
    dots = torch.tensor([[-1.0, 0.0], [1.0, 0.0]]).repeat(20, 1)
    yield Case(
        name="dots at the centres have all modes, and no spread",
        given={"real": dots + torch.linspace(0, 1, 40)[:, None], "fake": dots, "data": TWO_MODES},
        expected={"modes": 2.0, "share": 1.0, "kl": 0.0, "std": 0.0, "spread": 0.0},
        tolerance=1e-12,
    )
