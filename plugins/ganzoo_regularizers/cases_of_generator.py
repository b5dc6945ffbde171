"""Exact values of the terms of G, for `ganzoo check regularizers`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.plugin import Case, DiscriminatorOutput, GeneratorOutput
from ganzoo_regularizers.cases import MANY, linear
from ganzoo_regularizers.cases_of_terms import Columns, Linear, make_case


class Styled(Linear):
    """G(z) = A w, its samples ``[N, 1, 1, D]``, with w = z."""

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return w ``[N, E]``, which requires grad as that of a mapping with parameters."""
        return z.clone().requires_grad_()

    def synthesis(self, w: Tensor) -> Tensor:
        """Return the samples of w."""
        return super().forward(w)[:, None, None]

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples of z."""
        return self.synthesis(z)


def path_length() -> Iterator[Case]:
    """Yield E (l - a)^2 of lengths l = |A^T y| = 5 |N(0, 1)| / sqrt(2), whose mean is 5 / sqrt(pi) and square 12.5."""
    real = [[[(0.0, 0.0)]]] * MANY
    given: Any = {"generator": Styled([(3.0, 0.0), (4.0, 0.0)]), "z": [(0.0, 0.0)] * MANY, "tolerance": 0.08}
    mean, square = 5 / torch.pi**0.5, 12.5
    at_mean = {"generator": square - mean**2}
    yield make_case("at the mean", Columns(), real, real, at_mean, **given, decay=1.0, weight=1)
    first = {"generator": 2 * (square - 2 * 0.1 * mean**2 + (0.1 * mean) ** 2)}  # a = 0.1 mean
    yield make_case("at the first update", Columns(), real, real, first, **given, decay=0.1)


class Featured(nn.Module):
    """D with two layers of features: the samples ``[N, 2]``, and their sums ``[N, 1]``."""

    def forward(self, x: Tensor) -> DiscriminatorOutput:
        """Return the output."""
        return DiscriminatorOutput(x.sum(1), features=[x, x.sum(1, keepdim=True)])


def feature_matching() -> Iterator[Case]:
    """Yield the squared distances of the mean features."""
    real, fake = [(1.0, 0.0), (3.0, 2.0)], [(0.0, 0.0), (0.0, 4.0)]  # means (2, 1) and (0, 2)
    yield make_case("two layers", Featured(), real, fake, {"generator": (4 + 1) / 2 + 1})
    yield make_case("weight", Featured(), real, fake, {"generator": 14}, weight=4)
    yield make_case("equal means", Featured(), real, [(3.0, 2.0), (1.0, 0.0)], {"generator": 0})
    apart = (1 + 0 + 3 + 2) / 4 + (1 + 1) / 2
    yield make_case("pairs", Featured(), real, fake, {"generator": 2 * apart}, weight=2, match="pairs")


def l1() -> Iterator[Case]:
    """Yield the mean of the absolute differences in each row."""
    real, fake = [(1.0, 0.0), (3.0, 2.0)], [(0.0, 0.0), (0.0, 4.0)]
    yield make_case("two samples", nn.Identity(), real, fake, {"generator": (1 + 0 + 3 + 2) / 4})
    yield make_case("weight", nn.Identity(), real, fake, {"generator": 150}, weight=100)
    swapped = {"generator": (1 + 4 + 3 + 2) / 4}
    yield make_case("rows belong together", nn.Identity(), real, fake[::-1], swapped)


def perceptual() -> Iterator[Case]:
    """Yield grey squares beside white and dark ones: features of grey are 0, and those of white and dark are known.

    The two numbers are the means of the features of the extractor `random`, computed once in float64.
    """
    grey = torch.zeros(2, 1, 8, 8)  # float32, as the extractor's weights
    for name, level, expected in (("white", 1.0, 0.3097415), ("dark", -0.5, 0.1179668), ("grey", 0.0, 0.0)):
        given = {"real": grey, "fake": grey + level, "network": nn.Flatten()}
        yield Case(
            name=name, options={"weight": 3.0}, given=given, expected={"generator": 3 * expected}, tolerance=1e-5
        )


class Embedded(nn.Module):
    """D whose embedding is the sample, ``[N, 2]``."""

    def forward(self, x: Tensor) -> DiscriminatorOutput:
        """Return the output."""
        return DiscriminatorOutput(x.sum(1), embedding=x)


def embedding_matching() -> Iterator[Case]:
    """Yield the distances of the mean embeddings."""
    real, fake = [(1.0, 0.0), (3.0, 2.0)], [(0.0, 0.0), (0.0, 4.0)]  # means (2, 1) and (0, 2)
    yield make_case("mean", Embedded(), real, fake, {"generator": (2 + 1) / 2})
    yield make_case("weight", Embedded(), real, fake, {"generator": 6}, weight=4)
    yield make_case("equal means", Embedded(), real, [(3.0, 2.0), (1.0, 0.0)], {"generator": 0})


POINTS = [(1.0, 0.0), (0.0, 2.0)]  # latents, which Linear([(1, 2), (0, 1)]) moves to (1, 0) and (4, 2)
SHEAR: Any = {"generator": Linear([(1.0, 2.0), (0.0, 1.0)]), "z": POINTS}


def sd() -> Iterator[Case]:
    """Yield weight E (G(z) - 0.9 G(z))^2, the mean over 4 numbers: a case's average is 0.9 of G."""
    yield make_case("linear", linear(3, 4), POINTS, POINTS, {"generator": 0.01 * (1 + 16 + 4) / 4}, **SHEAR)
    yield make_case("weight", linear(3, 4), POINTS, POINTS, {"generator": 0.04 * (1 + 16 + 4) / 4}, **SHEAR, weight=4)


def ot() -> Iterator[Case]:
    """Yield weight E (G(z) - z)^2, the mean over 4 numbers."""
    yield make_case("a shear", linear(3, 4), POINTS, POINTS, {"generator": 0.2 * 4**2 / 4}, **SHEAR)
    still: Any = {"generator": Linear([(1.0, 0.0), (0.0, 1.0)]), "z": POINTS}
    yield make_case("nothing moves", linear(3, 4), POINTS, POINTS, {"generator": 0}, **still, weight=1)


class Stages(nn.Module):
    """A G whose sample ``[N, 1, 2, 2]`` has the numbers of z, with a stage of half its size, and one of its own size.

    The first stage is `scale` times the sum of z, the second one the sample's mean.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale, dtype=torch.float64))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> GeneratorOutput:
        """Return the output."""
        sample = z.view(-1, 1, 2, 2)
        first = (self.scale * sample).sum((2, 3), keepdim=True)
        return GeneratorOutput(
            sample, intermediates=(first, interpolate(sample.mean((2, 3), keepdim=True), size=(2, 2)))
        )


def intermediate_consistency() -> Iterator[Case]:
    """Yield weight sum_k E (x_k - shrink(x))^2, for the sample 1 2 3 6: its mean is 3, its variance 3.5."""
    z, real = [(1.0, 2.0, 3.0, 6.0)], [[[(0.0, 0.0), (0.0, 0.0)]]]
    for scale, weight in ((0.5, 1.0), (0.25, 2.0)):
        expected = {"generator": weight * ((12 * scale - 3) ** 2 + 3.5)}
        given: Any = {"generator": Stages(scale), "z": z, "weight": weight}
        yield make_case(f"the first stage {scale:g} of the sum", nn.Flatten(), real, real, expected, **given)


def logan() -> Iterator[Case]:
    """Yield weight |d|^2 for D(x) = 3 x + 4 y and the shear, so that g = (3, 10) and |g|^2 = 109."""
    given = linear(3, 4), POINTS, POINTS
    both = dict.fromkeys(("discriminator", "generator"), 0.1 * 0.9**2 * 109 / 109.1**2)
    yield make_case("natural", *given, both, **SHEAR, share=1)
    both = dict.fromkeys(both, 300 * 0.5**2 * 109 / 114**2)
    yield make_case("damped", *given, both, **SHEAR, share=1, alpha=0.5, beta=5, weight=300)
    both = dict.fromkeys(both, 2 * 0.5**2 * 109)
    yield make_case("gradient", *given, both, **SHEAR, share=1, alpha=0.5, step="gradient", weight=2)
    many: Any = SHEAR | {"z": [(1.0, 0.0)] * MANY, "tolerance": 0.03}
    both = dict.fromkeys(both, 0.8 * 109)
    yield make_case("a share", *given, both, **many, alpha=1, step="gradient", weight=1)
