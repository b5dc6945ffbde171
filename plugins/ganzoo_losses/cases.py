"""Exact values of the losses, computed from the papers' equations, for `ganzoo check losses`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log, log1p

import torch

from ganzoo.plugin import Case

LN2 = log(2)


def bce() -> Iterator[Case]:
    """Yield -log D(real) - log(1 - D(fake)) and -log D(fake), with D = sigmoid(logit)."""
    yield _case("D cannot tell", [0.0], [0.0], 2 * LN2, LN2)
    yield _case("one pair", [1.5], [-0.5], log1p(exp(-1.5)) + log1p(exp(-0.5)), log1p(exp(0.5)))
    yield _case("the mean of two", [0.0, 1.5], [0.0, -0.5], (2 * LN2 + 0.6754902622) / 2, (LN2 + 0.9740769842) / 2)
    yield _case("D answers 0.9 and 0.1", [log(9)], [-log(9)], -2 * log(0.9), -log(0.1))
    best = [log(0.45 / 0.55)]  # D = 0.45 is best where reals and fakes are alike
    yield _case("smoothed", best, best, 1.3762776274, -log(0.45), {"smoothing": 0.1})
    smoothed = -0.8 * log(0.9) - 0.2 * log(0.1) - log(0.75)
    yield _case("smoothed more", [log(9)], [-log(3)], smoothed, -log(0.25), {"smoothing": 0.2})


def minimax() -> Iterator[Case]:
    """Yield bce's values for D, and log(1 - D(fake)) for G."""
    yield _case("D cannot tell", [0.0], [0.0], 2 * LN2, -LN2)
    yield _case("one pair", [1.5], [-0.5], log1p(exp(-1.5)) + log1p(exp(-0.5)), -log1p(exp(-0.5)))
    yield _case("D answers 0.9 and 0.1", [log(9)], [-log(9)], -2 * log(0.9), log(0.9))
    yield _case("smoothed", [log(9)], [-log(9)], -1.9 * log(0.9) - 0.1 * log(0.1), log(0.9), {"smoothing": 0.1})


def lsgan() -> Iterator[Case]:
    """Yield half the mean squares of the distances to the targets."""
    yield _case("D cannot tell", [0.5], [0.5], 0.25, 0.125)
    yield _case("two pairs", [0.3, 2.0], [-2.0, 0.5], (0.49 + 1) / 4 + (4 + 0.25) / 4, (9 + 0.25) / 4)
    yield _case("Pearson's targets", [0.5], [0.5], (0.25 + 2.25) / 2, 0.125, {"a": -1, "b": 1, "c": 0})
    yield _case("smoothed, D cannot tell", [0.45], [0.45], 0.45**2, 0.55**2 / 2, {"b": 0.9})
    yield _case("a, b and c", [0.3], [-2.0], (1.7**2 + 1) / 2, 2.5**2 / 2, {"a": -1, "b": 2, "c": 0.5})


def hinge() -> Iterator[Case]:
    """Yield max(0, 1 - r) + max(0, 1 + f), and -f."""
    yield _case("D cannot tell", [0.7, -0.4], [0.7, -0.4], 2, -0.15)
    yield _case("past the margin and not", [0.3, 2.0], [-2.0, 0.5], 0.7 / 2 + 1.5 / 2, 0.75)
    yield _case("at the margin", [1.0], [-1.0], 0, 1)
    yield _case("bounded", [0.3, 2.0], [-2.0, 1.5], 0.7 / 2 + 2.5 / 2, 1.5, {"bounded": True})


def wasserstein() -> Iterator[Case]:
    """Yield E f - E r, and -E f."""
    yield _case("two pairs", [0.3, 2.0], [-2.0, 0.5], -0.75 - 1.15, 0.75)
    yield _case("a common shift", [7.3, 9.0], [5.0, 7.5], -0.75 - 1.15, -6.25)


def rpgan() -> Iterator[Case]:
    """Yield log(1 + exp(f - r)) and log(1 + exp(r - f)) of pairs."""
    yield _case("D cannot tell", [0.7, -0.4], [0.7, -0.4], LN2, LN2)
    yield _case("one pair", [1.5], [-0.5], log1p(exp(-2)), log1p(exp(2)))
    yield _case("a common shift", [8.5], [6.5], log1p(exp(-2)), log1p(exp(2)))
    yield _case("pairs in order", [2.0, 0.0], [0.0, 0.0], (log1p(exp(-2)) + LN2) / 2, (log1p(exp(2)) + LN2) / 2)


def rphinge() -> Iterator[Case]:
    """Yield max(0, 1 - (r - f)) and max(0, 1 - (f - r)) of pairs."""
    yield _case("D cannot tell", [0.7, -0.4], [0.7, -0.4], 1, 1)
    yield _case("past the margin and not", [1.5, 0.3], [-0.5, 0.2], 0.9 / 2, (3 + 1.1) / 2)
    yield _case("at the margin", [8.5], [7.5], 0, 2)


def ragan() -> Iterator[Case]:
    """Yield bce's values of distances to the average of the other kind; a single pair gives twice rpgan's."""
    yield _case("D cannot tell", [0.7, 0.7], [0.7, 0.7], 2 * LN2, 2 * LN2)
    yield _case("one pair", [1.5], [-0.5], 2 * log1p(exp(-2)), 2 * log1p(exp(2)))
    yield _case("two of each", [1.5, 0.5], [-0.5, -1.5], 2 * 0.1401515061, 2 * 2.1401515061)
    yield _case("a common shift", [8.5, 7.5], [6.5, 5.5], 2 * 0.1401515061, 2 * 2.1401515061)


def ralsgan() -> Iterator[Case]:
    """Yield the squared distances to 1 above or below the average of the other kind."""
    yield _case("D cannot tell", [0.7, 0.7], [0.7, 0.7], 2, 2)
    yield _case("at the targets", [1.0], [0.0], 0, 8)
    # r - E f = 2.5, 1.5 and f - E r = -1.5, -2.5
    yield _case("two of each", [1.5, 0.5], [-0.5, -1.5], 2 * (2.25 + 0.25) / 2, 2 * (12.25 + 6.25) / 2)


def rahinge() -> Iterator[Case]:
    """Yield hinge's values of distances to the average of the other kind."""
    yield _case("D cannot tell", [0.7, 0.7], [0.7, 0.7], 2, 2)
    yield _case("past the margin and not", [1.0, 0.0], [0.5, -0.5], 1 / 2 + 1 / 2, (2 + 1) / 2 + (2 + 1) / 2)
    yield _case("a common shift", [8.0, 7.0], [7.5, 6.5], 1, 3)


def dual_contrast() -> Iterator[Case]:
    """Yield the cross-entropies of finding a sample among all of the other kind; a single pair gives twice rpgan's."""
    yield _case("one pair", [1.5], [-0.5], 2 * log1p(exp(-2)), -2 * log1p(exp(-2)))
    yield _case("D cannot tell", [0.7, 0.7], [0.7, 0.7], 2 * log(3), -2 * log(3))
    fakes, reals = exp(-0.5) + exp(-1.5), exp(-1.5) + exp(-0.5)  # of e^f, and of e^-r
    found = [fakes * exp(-1.5), fakes * exp(-0.5), reals * exp(-0.5), reals * exp(-1.5)]
    yield _case("two of each", [1.5, 0.5], [-0.5, -1.5], sum(map(log1p, found)) / 2, -sum(map(log1p, found)) / 2)
    yield _case("a common shift", [8.5, 7.5], [6.5, 5.5], sum(map(log1p, found)) / 2, -sum(map(log1p, found)) / 2)


def _case(
    name: str,
    real: Sequence[float],
    fake: Sequence[float],
    discriminator: float,
    generator: float,
    options: Mapping[str, float] | None = None,
) -> Case:
    logits = {
        name: torch.tensor(values, dtype=torch.float64)[:, None] for name, values in (("real", real), ("fake", fake))
    }
    expected = {"discriminator": discriminator, "generator": generator}
    return Case(name=name, options=options or {}, given=logits, expected=expected, tolerance=1e-9)
