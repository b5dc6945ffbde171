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


def psnr() -> Iterator[Case]:
    """Yield errors of a half of the range and of a twentieth, and equal images."""
    grey = torch.zeros(2, 3, 8, 8)
    off = torch.stack([grey[0] + 1, grey[0] - 0.1])
    yield Case(
        name="errors of 1 and of 0.1",
        given={"real": grey, "fake": off, "labels": torch.zeros(2, dtype=torch.int64)},
        expected={"psnr": (20 * math.log10(2) + 20 * math.log10(20)) / 2},
        tolerance=1e-6,
    )
    yield Case(
        name="luma of BT.601 has 219 of 255 levels",
        given={"real": grey, "fake": grey + 1, "labels": torch.zeros(2, dtype=torch.int64)},
        options={"channels": "luma"},
        expected={"psnr": 20 * math.log10(2 * 255 / 219)},
        tolerance=1e-6,
    )
    edges = grey.clone()
    edges[:, :, :2], edges[:, :, -2:], edges[..., :2], edges[..., -2:] = 1, 1, 1, 1
    yield Case(
        name="equal inside of the border",
        given={"real": grey, "fake": edges, "labels": torch.zeros(2, dtype=torch.int64)},
        options={"border": 2},
        expected={"psnr": 100.0},
        tolerance=1e-12,
    )


def ssim() -> Iterator[Case]:
    """Yield flat images, in which only the luminance differs, and noise beside its negative."""
    flat, labels = torch.full((2, 1, 12, 13), -0.5), torch.zeros(2, dtype=torch.int64)  # 0.5 of 2 above black
    c1 = 0.02**2
    yield Case(
        name="flat images of 1/4 and 3/4 of the range",
        given={"real": flat, "fake": flat + 1, "labels": labels},
        expected={"ssim": (2 * 0.5 * 1.5 + c1) / (0.25 + 2.25 + c1)},
        tolerance=1e-6,
    )
    noise = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    yield Case(
        name="equal images",
        given={"real": noise, "fake": noise, "labels": labels},
        expected={"ssim": 1.0},
        tolerance=1e-9,
    )
