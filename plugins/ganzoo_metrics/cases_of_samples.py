"""Exact values of the metrics that read samples themselves, for a few samples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from ganzoo.plugin import Case, DataInfo
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


def cas() -> Iterator[Case]:
    """Yield points of two classes at -1 and 1, with right and with wrong labels."""
    data = DataInfo(shape=(1,), modality="points", num_classes=2)
    labels = torch.arange(2).repeat(40)
    points = (2.0 * labels - 1)[:, None]
    for name, fake, accuracy in (("right labels", points, 1.0), ("wrong labels", -points, 0.0)):
        yield Case(
            name=name,
            given={"real": points, "fake": fake, "labels": labels, "data": data},
            expected={"accuracy": accuracy},
        )


def swd() -> Iterator[Case]:
    """Yield images that differ by contrast and brightness alone, and white noise beside images without any."""
    noise = torch.randn(64, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    less = {"patches": 1}
    yield Case(
        name="brightness and contrast do not matter",
        given={"real": noise, "fake": 3 * noise + 1},
        options=less,
        expected={"7": 0.0, "mean": 0.0},
        tolerance=1e-4,
    )
    many = torch.randn(2048, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    yield Case(  # a projection of noise on a direction is normal, so the mean of its absolute values is sqrt(2 / pi)
        name="noise and grey: 1000 sqrt(2 / pi)",
        given={"real": many, "fake": torch.zeros(2048, 1, 7, 7)},
        options=less,
        expected={"7": 1000 * math.sqrt(2 / math.pi)},
        tolerance=0.01,
    )
