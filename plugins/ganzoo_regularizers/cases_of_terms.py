"""Exact values of the terms of D that are not penalties on its gradient, for `ganzoo check regularizers`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import Case, DiscriminatorOutput
from ganzoo_regularizers.cases import MANY, linear

# ----------------------------------------------------------------------------
# Terms of logits. D returns its samples ``[N, 1]``.


def drift() -> Iterator[Case]:
    """Yield weight E r^2."""
    yield make_case("two samples", nn.Identity(), [(3.0,), (-1.0,)], [(9.0,), (9.0,)], {"discriminator": 0.005})
    yield make_case(
        "patches", nn.Identity(), [(3.0, 0.0), (-1.0, 2.0)], [(9.0, 9.0)] * 2, {"discriminator": 7}, weight=2
    )


def logit_centring() -> Iterator[Case]:
    """Yield weight E (r + f)^2."""
    yield make_case("opposed", nn.Identity(), [(3.0,), (-1.0,)], [(-3.0,), (1.0,)], {"discriminator": 0})
    yield make_case("a common shift", nn.Identity(), [(4.0,), (0.0,)], [(-2.0,), (2.0,)], {"discriminator": 0.04})
    yield make_case("two pairs", nn.Identity(), [(3.0,), (-1.0,)], [(1.0,), (1.0,)], {"discriminator": 8}, weight=1)


def lecam() -> Iterator[Case]:
    """Yield weight (E (r - a_f)^2 + E (f - a_r)^2); the running means are those of the first batch."""
    real, fake = [(1.0,), (2.0,)], [(-1.0,), (0.0,)]  # a_r = 1.5, a_f = -0.5
    yield make_case("two pairs", nn.Identity(), real, fake, {"discriminator": 8.5}, weight=1)
    yield make_case("another decay", nn.Identity(), real, fake, {"discriminator": 17}, weight=2, decay=0.5)
    yield make_case("D cannot tell", nn.Identity(), [(1.5,)] * 2, [(1.5,)] * 2, {"discriminator": 0})


class Classes(nn.Module):
    """D whose logits with two labels are the sample itself, ``[N, 2]``."""

    def forward(self, x: Tensor, labels: Tensor) -> DiscriminatorOutput:
        """Return the logits with these labels, and with all."""
        return DiscriminatorOutput(x.gather(1, labels[:, None]), x)


def ucd() -> Iterator[Case]:
    """Yield the cross-entropies: p is 3/4 and 1/2 for the real samples, 1/8 and 3/4 for the others."""
    real, fake = [(math.log(3), 0.0), (2.0, 2.0)], [(0.0, math.log(7)), (1.0, 1 + math.log(3))]
    entropies = (math.log(4 / 3) + math.log(2)) / 2 + (math.log(8) + math.log(4 / 3)) / 2
    case = make_case("two classes", Classes(), real, fake, {"discriminator": 0.01 * entropies})
    yield replace(case, given={**case.given, "labels": torch.tensor([0, 1])})
    case = make_case("another weight", Classes(), fake, fake, {"discriminator": 0.5 * math.log(32 / 3)}, weight=0.5)
    yield replace(case, given={**case.given, "labels": torch.tensor([0, 1])})


# ----------------------------------------------------------------------------
# Limits on weights. D(x) = 3 x + 4 y + 0.5 before.


def weight_clip() -> Iterator[Case]:
    """Yield the logits of D(x) = limit (x + y + 1), after all parameters are clipped."""
    given = linear(3, -4), [(0.2, -0.3), (1.0, 0.5)], [(0.0, 0.0)] * 2
    yield make_case("each on its side", *given, {"logits": 0.01 * (0.2 + 0.3 + 1.0 - 0.5 + 2)})
    yield make_case("a wider limit", *given, {"logits": 3 * 1.2 - 3.5 * 0.2 + 1}, limit=3.5)


def spectral_norm() -> Iterator[Case]:
    """Yield the logits of D(x) = (3 x + 4 y) / 5 + 0.5: the singular value of a row is its length."""
    real = [(0.2, -0.3), (1.0, 0.5)]
    yield make_case("one row", linear(3, 4), real, real, {"logits": (3 * 1.2 + 4 * 0.2) / 5 + 1})
    yield make_case("any length", linear(0.03, 0.04), real, real, {"logits": (3 * 1.2 + 4 * 0.2) / 5 + 1})


def orthogonal() -> Iterator[Case]:
    """Yield weight sum of the squares of W W^T beside its diagonal."""
    both = [(1.0, 2.0)] * 2, [(1.0, 2.0)] * 2
    shear, turn = [(1.0, 1.0), (0.0, 1.0)], [(3.0, 4.0), (-4.0, 3.0)]  # the rows of a turn may have any length
    yield make_case("a shear", Linear(shear), *both, {"discriminator": 2e-4}, network="discriminator")
    yield make_case("a turn", Linear(turn), *both, {"discriminator": 0}, network="discriminator", weight=1)
    given: Any = {"generator": Linear([(1.0, 2.0), (3.0, 4.0)], shear), "z": [(1.0, 0.0)] * 2, "weight": 3}
    yield make_case("two layers", Linear(shear), *both, {"generator": 3 * (2 * 11**2 + 2)}, **given)


# ----------------------------------------------------------------------------
# Consistency. Mirroring with probability 1, and no shift, turns a row ``a b`` into ``b a``.


class Columns(nn.Module):
    """D(x) = sum over columns of w x, for images ``[N, 1, 1, 2]``; it returns logits ``[N]``."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x_1 + 3 x_2."""
        return (x.flatten(1) * torch.tensor([1.0, 3.0], dtype=x.dtype)).sum(1)


def cr() -> Iterator[Case]:
    """Yield weight E (D(x) - D(T(x)))^2 = weight E (2 (x_1 - x_2))^2 at reals."""
    real, fake = [[[(0.1, 0.3)]], [[(0.5, -0.5)]]], [[[(0.0, 0.9)]], [[(0.9, 0.9)]]]
    mirrored: Any = {"shift": 0, "mirror": 1.0}
    yield make_case("mirrored", Columns(), real, fake, {"discriminator": 10 * (0.4**2 + 2**2) / 2}, **mirrored)
    yield make_case("not moved", Columns(), real, fake, {"discriminator": 0}, shift=0, mirror=0.0)
    many = [[[(0.5, -0.5)]]] * MANY  # shifted by 1 to the left, not at all, or to the right
    expected = {"discriminator": (1**2 + 0 + 3**2) / 3}  # D is -1; at -0.5 -0.5 it is -2, at 0.5 0.5 it is 2
    yield make_case("shifted", Columns(), many, many, expected, tolerance=0.05, shift=1, mirror=0.0, weight=1)


def bcr() -> Iterator[Case]:
    """Yield cr's values at reals and at fakes."""
    real, fake = [[[(0.1, 0.3)]], [[(0.5, -0.5)]]], [[[(0.0, 0.9)]], [[(0.9, 0.9)]]]
    mirrored: Any = {"shift": 0, "mirror": 1.0}
    each = (0.4**2 + 2**2) / 2, 1.8**2 / 2
    yield make_case("mirrored", Columns(), real, fake, {"discriminator": 10 * sum(each)}, **mirrored)
    weighted = {"discriminator": 2 * each[0] + 3 * each[1]}
    yield make_case("weighted", Columns(), real, fake, weighted, **mirrored, weight_real=2, weight_fake=3)


def zcr() -> Iterator[Case]:
    """Yield weight_d sigma^2 |A^T w|^2 and -weight_g sigma^2 |A|_F^2 / 2, with D(x) = w x and G(z) = A z."""
    points = [(0.0, 0.0)] * MANY  # A^T (3, 4) = (3, 10), |A|_F^2 = 6
    given: Any = {"generator": Linear([(1.0, 2.0), (0.0, 1.0)]), "z": points, "tolerance": 0.03}
    expected = {"discriminator": 5 * 109 * 0.01, "generator": -0.5 * 6 / 2 * 0.01}
    yield make_case("linear", linear(3, 4), points, points, expected, **given, sigma=0.1)
    expected = {"discriminator": 2 * 109, "generator": -3 * 6 / 2}
    yield make_case("weights", linear(3, 4), points, points, expected, **given, sigma=1.0, weight_d=2, weight_g=3)


# ----------------------------------------------------------------------------
# What cases are made of.


class Linear(nn.Module):
    """G(z) = ... B A z, its samples ``[N, D]``; it can be a D as well."""

    def __init__(self, *matrices: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.matrices = nn.ParameterList(map(make_tensor, matrices))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples of z."""
        for matrix in self.matrices:
            z = z @ matrix.T
        return z


def make_case(
    name: str,
    network: nn.Module,
    real: Sequence[Any],
    fake: Sequence[Any],
    expected: Mapping[str, float],
    /,
    tolerance: float = 1e-6,
    generator: nn.Module | None = None,
    z: Sequence[Sequence[float]] = (),
    **options: float | str,
) -> Case:
    """Return a case of numbers: of D and, if the term calls G, of G and its latents."""
    given: Any = {"real": make_tensor(real), "fake": make_tensor(fake), "network": network}
    if generator is not None:
        given |= {"generator": generator, "z": make_tensor(z)}
    return Case(name=name, options=options, given=given, expected=expected, tolerance=tolerance)


def make_tensor(numbers: Sequence[Any]) -> Tensor:
    """Return numbers in float64."""
    return torch.tensor(numbers, dtype=torch.float64)
