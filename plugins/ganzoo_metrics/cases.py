"""Exact values of the metrics for a few points, computed by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch

from ganzoo.plugin import Case

SQUARE = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)
WHITE = SQUARE * math.sqrt(3) / 2  # four points whose unbiased covariance is the identity


def pixel_moments() -> Iterator[Case]:
    """Yield two Gaussians of equal covariances, and two of different ones."""
    yield Case(
        name="shift by (3, 4)",
        given={"real": SQUARE, "fake": SQUARE + torch.tensor([3.0, 4.0])},
        expected={"mean": math.sqrt(12.5), "std": 0.0, "fd": 25.0},
    )
    line = torch.tensor([[-1.0], [1.0]])  # variance 2
    yield Case(
        name="stretched three times and shifted by 1",
        given={"real": line, "fake": 3 * line + 1},
        expected={"mean": 1.0, "std": 2 * math.sqrt(2), "fd": 9.0},
    )


def frechet() -> Iterator[Case]:
    """Yield Gaussians with covariances that commute, that do not commute, and that are singular."""
    yield Case(
        name="diagonal: 3^2 + 4^2 + (3 - 1)^2 + (4 - 2)^2",
        given={
            "real": WHITE * torch.tensor([1.0, 2.0]),
            "fake": WHITE * torch.tensor([3.0, 4.0]) + torch.tensor([3, 4]),
        },
        expected={"fd": 33.0},
        tolerance=1e-12,
    )
    root = torch.linalg.cholesky(torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64))
    yield Case(  # the eigenvalues of the product are 4 +- sqrt(7), and their roots have the sum sqrt(14)
        name="[[2, 1], [1, 2]] and diag(3, 1): 8 - 2 sqrt(14)",
        given={"real": WHITE @ root.T, "fake": WHITE * torch.tensor([3.0, 1.0]).double().sqrt()},
        expected={"fd": 8 - 2 * math.sqrt(14)},
        tolerance=1e-12,
    )
    few = torch.randn(50, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    yield Case(
        name="fewer samples than features, from themselves",
        given={"real": few, "fake": few},
        expected={"fd": 0.0},
        tolerance=1e-10,
    )


def fid() -> Iterator[Case]:
    """Yield the cases of `frechet`, whose distance is called ``fid``."""
    for case in frechet():
        yield replace(case, expected={"fid": case.expected["fd"]})


def frechet_infinity() -> Iterator[Case]:
    """Yield points of which every part has the same mean and no variance: nothing depends on their number."""
    real = torch.tensor([[0.0, 2.0], [0.0, -2.0]]).repeat(20, 1)
    yield Case(
        name="one point, 5 away from points with variance 160 / 39",
        given={"real": real, "fake": torch.tensor([[3.0, 4.0]]).expand(40, 2)},
        expected={"fd": 25 + 160 / 39},
        tolerance=1e-9,
    )


def kid() -> Iterator[Case]:
    """Yield two pairs of numbers, whose kernel is ``(x y + 1)^3``."""
    yield Case(
        name="0, 1 and 1, 2: 1 + 27 - 2 (1 + 1 + 8 + 27) / 4",
        given={"real": torch.tensor([[0.0], [1.0]]), "fake": torch.tensor([[1.0], [2.0]])},
        expected={"kid": 9.5},
        tolerance=1e-12,
    )
    rows = torch.tensor([[1.0, 1.0], [1.0, -1.0]])  # (x.y / 2 + 1)^3 is 8 with itself and 1 with the other
    yield Case(
        name="equal sets are below 0: 2 (mean off the diagonal - mean of all)",
        given={"real": rows, "fake": rows},
        expected={"kid": 2 * (1 - 4.5)},
        tolerance=1e-12,
    )


def prdc() -> Iterator[Case]:
    """Yield equal sets, sets that are far apart, and points on a line with balls of radius 1."""
    line = torch.arange(4.0)[:, None]
    one = {"neighbours": 1}
    same = dict.fromkeys(("precision", "recall", "density", "coverage"), 1.0)
    apart = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    yield Case(name="equal sets", given={"real": apart, "fake": apart}, options={"neighbours": 2}, expected=same)
    yield Case(name="far apart", given={"real": line, "fake": line + 9}, options=one, expected=dict.fromkeys(same, 0.0))
    yield Case(  # 0.5 lies in two real balls, 3.5 in one, 9 in none; their radii are 3, 3 and 5.5
        name="0, 1, 2, 3 and 0.5, 3.5, 9",
        given={"real": line, "fake": torch.tensor([[0.5], [3.5], [9.0]])},
        options=one,
        expected={"precision": 2 / 3, "recall": 1.0, "density": 1.0, "coverage": 0.75},
        tolerance=1e-12,
    )


def mind() -> Iterator[Case]:
    """Yield sets in one dimension, where each direction is the same, and a shift, which is three times its square."""
    line = torch.tensor([[0.0], [1.0], [5.0]])
    yield Case(
        name="0, 1, 5 and 2, 2, 6: 3 (4 + 1 + 1) / 3",
        given={"real": line, "fake": torch.tensor([[6.0], [2.0], [2.0]])},
        expected={"mind": 6.0},
        tolerance=1e-9,
    )
    yield Case(
        name="shift by (3, 4): 3 * 25",
        given={"real": SQUARE, "fake": SQUARE.flip(0) + torch.tensor([3.0, 4.0])},
        options={"directions": 20_000},
        expected={"mind": 75.0},
        tolerance=0.03,
    )


def vendi() -> Iterator[Case]:
    """Yield orthogonal samples, copies of one sample, two directions of unequal weight, and samples far from 0."""
    axes, origin = torch.eye(4), {"centred": False}
    yield Case(
        name="orthogonal and equal",
        given={"real": axes * 3, "fake": axes[:1].expand(6, 4)},
        options=origin,
        expected={"vendi": 1.0, "real": 4.0},
        tolerance=1e-9,
    )
    yield Case(
        name="three of one kind and one of another: 4 / 3^(3/4)",
        given={"real": axes, "fake": axes[[0, 0, 0, 1]]},
        options=origin,
        expected={"vendi": 4 / 3**0.75},
        tolerance=1e-9,
    )
    yield Case(  # directions from the mean at (100, 100): two diagonals
        name="a square far from 0, and copies of one corner",
        given={"real": SQUARE + 100, "fake": (SQUARE[:1] + 100).expand(5, 2)},
        expected={"vendi": 1.0, "real": 2.0},
        tolerance=1e-9,
    )


def inception_score() -> Iterator[Case]:
    """Yield a classifier that is sure and finds all classes, and one that always gives the same answer."""
    sure = {"features": torch.zeros(20, 1), "probabilities": torch.eye(5).repeat(4, 1)}
    yield Case(
        name="all of 5 classes",
        given={"real": sure, "fake": sure},
        options={"splits": 2},
        expected={"is": 5.0, "std": 0.0},
        tolerance=1e-9,
    )
    unsure = {"features": torch.zeros(20, 1), "probabilities": torch.tensor([[0.1, 0.2, 0.7]]).expand(20, 3)}
    yield Case(name="always the same", given={"real": sure, "fake": unsure}, expected={"is": 1.0}, tolerance=1e-9)


def class_shares() -> Iterator[Case]:
    """Yield shares 1/4, 1/4, 1/2 in the real samples and 1/2, 1/2, 0 in the generated ones."""
    real, fake = torch.eye(3)[[0, 1, 2, 2]].repeat(5, 1), torch.eye(3)[[0, 1]].repeat(10, 1)
    yield Case(
        name="a missing class",
        given={
            "real": {"features": real, "probabilities": real},
            "fake": {"features": fake, "probabilities": fake},
        },
        expected={"kl": math.log(2), "missing": 1.0, "least": 0.0, "found": 2.0, "kl-equal": math.log(1.5)},
        tolerance=1e-9,
    )


def c2st() -> Iterator[Case]:
    """Yield Gaussians in two dimensions whose means are far apart, and equal sets: every other row is in both parts."""
    rows = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    expected = {"accuracy": 1.0, "sigmas": 0.5 * 2 * math.sqrt(200)}
    yield Case(name="20 standard deviations apart", given={"real": rows, "fake": rows + 20}, expected=expected)
    yield Case(
        name="each sample is on both sides",
        given={"real": rows, "fake": rows},
        expected={"accuracy": 0.5, "sigmas": 0.0},
    )


def copying() -> Iterator[Case]:
    """Yield copies of the known half of 200 samples, and samples far from all, with one cell and n = m = 100."""
    real = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    alone, spread = {"cells": 1}, math.sqrt(100 * 100 * 201 / 12)
    yield Case(
        name="copies: (0 - 5000 + 0.5) / sqrt(100 * 100 * 201 / 12) = -12.2157",
        given={"real": real, "fake": real[::2]},
        options=alone,
        expected={"authpct": 0.0, "ratio": 0.0, "ct": -4999.5 / spread},
        tolerance=1e-9,
    )
    yield Case(
        name="copies of all samples that are trained on, beside held-out ones",
        given={"real": real[::2], "fake": real[::2], "held_out": real[1::2]},
        options=alone,
        expected={"authpct": 0.0, "ratio": 0.0, "ct": -4999.5 / spread},
        tolerance=1e-9,
    )
    yield Case(
        name="far from all",
        given={"real": real, "fake": real[::2] + 100},
        options=alone,
        expected={"authpct": 100.0, "ct": 5000.5 / spread},
        tolerance=1e-9,
    )


def smoothness() -> Iterator[Case]:
    """Yield 200 steps of half of a path; the two shortest and the two longest do not count."""
    start, end = torch.zeros(200, 2), torch.tensor([[3.0, 4.0]]).repeat(200, 1)
    end[:2], end[2:4] = 0.0, 1e6
    yield Case(
        name="5 / 0.5 for all that count: 100",
        given={"real": start, "fake": end},
        expected={"length": 100.0},
        tolerance=1e-12,
    )
