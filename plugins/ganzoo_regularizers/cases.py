"""Exact values of the penalties, computed by hand, for `ganzoo check regularizers`.

D is linear, with slope w at every x, or a sum of powers |x|^p / p, with slope x^(p - 1). Finite differences in random
directions have a known expectation, and the mean of a large batch is close to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from ganzoo.plugin import Case

W = (3.0, 4.0)  # its length is 5
MANY = 20_000  # samples, for values that hold in expectation


def r1() -> Iterator[Case]:
    """Yield gamma / 2 E |slope|^2 at real samples."""
    yield from _zero_centred()
    yield _case("at reals alone", Powers(2), [W], [(6.0, 8.0)], 25, gamma=2)


def r2() -> Iterator[Case]:
    """Yield r1's values at generated samples."""
    yield from _zero_centred()
    yield _case("at fakes alone", Powers(2), [W], [(6.0, 8.0)], 100, gamma=2)


def wgan_gp() -> Iterator[Case]:
    """Yield weight E (|slope| - target)^2 between real and fake."""
    for mode in ("exact", "fd"):
        real, fake = [(0.2, -0.3), (1.0, 0.5)], [(-0.7, 0.1), (0.0, 0.9)]
        yield _case(f"linear, {mode}", linear(*W), real, fake, 10 * 4**2, mode=mode)
        yield _case(f"slope 1, {mode}", linear(0.6, 0.8), real, fake, 0, mode=mode)
        yield _case(f"slope 0, {mode}", linear(0, 0), real, fake, 10, mode=mode)
        yield _case(f"zero-centred, {mode}", linear(*W), real, fake, 250, mode=mode, target=0)
        yield _case(f"weight and target, {mode}", linear(*W), real, fake, 2 * 4.5**2, mode=mode, weight=2, target=0.5)
        ends = [(1.0,)] * MANY, [(0.0,)] * MANY  # slope 2 eps - 1 from the target, eps ~ U(0, 1)
        yield _case(f"uniformly between, {mode}", Powers(2, 2.0), *ends, 10 / 3, tolerance=0.02, mode=mode)
    yield _case("cubic, exact", Powers(3, 3.0), [(1.0,)], [(1.0,)], 10 * (3 - 1) ** 2)
    # ((1 + sigma)^3 - (1 - sigma)^3) / 2 sigma = 3 + sigma^2
    yield _case("cubic, fd", Powers(3, 3.0), [(1.0,)], [(1.0,)], 10 * (3.25 - 1) ** 2, mode="fd", sigma=0.5)


def zero_centred_gp() -> Iterator[Case]:
    """Yield weight E |slope|^2 between real and fake."""
    real, fake = [(0.2, -0.3), (1.0, 0.5)], [(-0.7, 0.1), (0.0, 0.9)]
    yield _case("linear", linear(*W), real, fake, 250)
    yield _case("slope 0", linear(0, 0), real, fake, 0)
    ends = [(1.0,)] * MANY, [(0.0,)] * MANY  # slope eps ~ U(0, 1)
    yield _case("uniformly between", Powers(2), *ends, 3 / 3, tolerance=0.02, weight=3)


def max_gp() -> Iterator[Case]:
    """Yield weight max |slope|^2 between real and fake."""
    yield _case("linear", linear(*W), [(0.2, -0.3), (1.0, 0.5)], [(-0.7, 0.1), (0.0, 0.9)], 250)
    yield _case("the largest", Powers(2), [(0.5,), (3.0,), (1.0,)], [(0.5,), (3.0,), (1.0,)], 2 * 9, weight=2)


def dragan() -> Iterator[Case]:
    """Yield weight E (|slope| - target)^2 near real samples."""
    real, fake = [(0.2, -0.3), (1.0, 0.5)], [(-0.7, 0.1), (0.0, 0.9)]
    yield _case("linear", linear(*W), real, fake, 10 * 4**2)
    yield _case("slope 1", linear(0.6, 0.8), real, fake, 0)
    yield _case("slope 0", linear(0, 0), real, fake, 10)
    yield _case("at reals alone", Powers(2), [W], [(6.0, 8.0)], 2 * 4.5**2, noise=0, weight=2, target=0.5)
    # the slope at 1 + e is 1 + e, if e > -1
    yield _case(
        "around", Powers(2), [(1.0,)] * MANY, [(0.0,)] * MANY, 100 * 0.01, tolerance=0.03, noise=0.1, weight=100
    )


def _zero_centred() -> Iterator[Case]:
    x = [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    yield _case("linear", linear(*W), x[:1], x[:1], 125, gamma=10)
    yield _case("linear, three samples", linear(*W), x, x, 125, gamma=10)
    yield _case("no weight", linear(*W), x, x, 0, gamma=0)
    yield _case("squares", Powers(2), x, x, (1 + 1 + 2) / 3 / 2)
    many = [(1.0, 1.0)] * MANY
    yield _case("linear, fd", linear(*W), many, many, 12.5, tolerance=0.05, mode="fd")
    # with D = x^2 / 2 at x = 1: E (e + sigma e^2 / 2)^2 = 1 + 3 sigma^2 / 4
    ones = [(1.0,)] * MANY
    yield _case("squares, fd", Powers(2), ones, ones, 4 / 2, tolerance=0.1, mode="fd", sigma=2)


class Powers(nn.Module):
    """D(x) = scale / p times the sum of x^p over a sample ``[N, D]``."""

    def __init__(self, p: int, scale: float = 1.0) -> None:
        super().__init__()
        self.p, self.scale = p, scale

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``[N]``."""
        return self.scale / self.p * (x**self.p).sum(1)


def linear(*w: float) -> nn.Module:
    """Return D(x) = w x + 0.5, its logits ``[N, 1]``."""
    network = nn.Linear(len(w), 1, dtype=torch.float64)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([w]))
        network.bias.fill_(0.5)
    return network


def _case(
    name: str,
    network: nn.Module,
    real: Sequence[Sequence[float]],
    fake: Sequence[Sequence[float]],
    value: float,
    tolerance: float = 1e-8,
    **options: float | str,
) -> Case:
    samples = {name: torch.tensor(rows, dtype=torch.float64) for name, rows in (("real", real), ("fake", fake))}
    return Case(
        name=name,
        options=options,
        given={**samples, "network": network},
        expected={"discriminator": value},
        tolerance=tolerance,
    )
