"""Exact values of the heads, for `ganzoo check heads`. D's embedding of a sample is the sample itself.

The weights of a head are given, so that its logits are simple numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import Case, DiscriminatorOutput

REAL, FAKE = [(math.log(3), 0.0), (0.0, 0.0)], [(0.0, math.log(7)), (0.0, math.log(3))]  # logits of two classes
CLASSES = (0, 1)
EYE = [(1.0, 0.0), (0.0, 1.0)]


class Embedded(nn.Module):
    """D whose embedding of samples ``[N, ...]`` is the samples as rows."""

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the output."""
        return DiscriminatorOutput(x.flatten(1).sum(1), embedding=x.flatten(1))


def acgan() -> Iterator[Case]:
    """Yield the cross-entropies: p is 3/4 and 1/2 for the real samples, 1/8 and 3/4 for the others."""
    weights = make_linear("classifier", EYE)
    real, fake = (math.log(4 / 3) + math.log(2)) / 2, (math.log(8) + math.log(4 / 3)) / 2
    expected = {"discriminator": real + fake, "generator": fake}
    yield make_case("two classes", REAL, FAKE, CLASSES, weights, expected)
    weighted = {"discriminator": 2 * real, "generator": 0.1 * fake}
    yield make_case("real alone", REAL, FAKE, CLASSES, weights, weighted, weight_d=2, weight_g=0.1, fakes=False)
    chance = {"discriminator": 2 * math.log(2), "generator": math.log(2)}
    yield make_case("chance", [(0.0, 0.0)] * 2, [(0.0, 0.0)] * 2, CLASSES, weights, chance)


def tac() -> Iterator[Case]:
    """Yield acgan's cross-entropies, with a twin whose logits are the classifier's in the other order."""
    weights = make_linear("classifier", EYE) | make_linear("twin", EYE[::-1])
    real, fake = (math.log(4 / 3) + math.log(2)) / 2, (math.log(8) + math.log(4 / 3)) / 2
    twin = (math.log(8 / 7) + math.log(4)) / 2
    expected = {"discriminator": real + twin, "generator": fake - twin}
    yield make_case("two classes", REAL, FAKE, CLASSES, weights, expected)
    weighted = {"discriminator": 2 * real + 3 * twin, "generator": 2 * fake - 4 * twin}
    scales: Any = {"weight": 2, "weight_twin_d": 3, "weight_twin_g": 4}
    yield make_case("weighted", REAL, FAKE, CLASSES, weights, weighted, **scales)
    same = make_linear("classifier", EYE) | make_linear("twin", EYE)  # G's terms cancel
    yield make_case("equal twins", REAL, FAKE, CLASSES, same, {"generator": 0, "discriminator": real + fake})


def adc() -> Iterator[Case]:
    """Yield the cross-entropies of four classes: the logits of a sample (a, b) are a, b, 2 b and 0."""
    weights = make_linear("classifier", [(1.0, 0.0), (0.0, 1.0), (0.0, 2.0), (0.0, 0.0)])
    real = (math.log(6 / 3) + math.log(4)) / 2  # logits ln (3, 1, 1, 1) and ln (1, 1, 1, 1)
    fake = (math.log(58 / 49) + math.log(14)) / 2  # logits ln (1, 7, 49, 1) and ln (1, 3, 9, 1)
    plus = (math.log(58) + math.log(14 / 3)) / 2
    expected = {"discriminator": real + fake, "generator": plus - fake}
    yield make_case("two classes", REAL, FAKE, CLASSES, weights, expected)
    weighted = {"discriminator": 2 * (real + fake), "generator": 3 * (plus - fake)}
    yield make_case("weighted", REAL, FAKE, CLASSES, weights, weighted, weight_d=2, weight_g=3)


def contra() -> Iterator[Case]:
    """Yield the term for vectors at right angles or equal, in the plane; the classes 0 and 1 are the axes."""
    weights = make_linear("project", EYE) | {"classes.weight": make_tensor(EYE)}
    real, fake = [(2.0, 0.0), (0.0, 1.0), (0.0, 5.0)], [(0.0, 1.0), (0.0, 2.0), (0.0, 3.0)]
    e = math.e
    apart = math.log((e + 2) / e)  # its class at cosine 1, two others at 0
    near = math.log((2 * e + 1) / (2 * e))  # its class and one of the class at 1, another at 0
    mixed = (math.log((1 + 2 * e) / 1) + 2 * math.log(3 * e / (2 * e))) / 3  # all samples at the vector of class 1
    expected = {"discriminator": (apart + 2 * near) / 3, "generator": mixed}
    yield make_case("three samples", real, fake, (0, 1, 1), weights, expected, dim=2)
    hot = math.exp(0.5)
    cooler = {"discriminator": 3 * (math.log((hot + 2) / hot) + 2 * math.log((2 * hot + 1) / (2 * hot))) / 3}
    yield make_case("temperature", real, fake, (0, 1, 1), weights, cooler, dim=2, temperature=2, weight=3)


def d2d_ce() -> Iterator[Case]:
    """Yield the term for vectors whose cosines are 1, 0, 0.8 or 0.6."""
    weights = make_linear("project", EYE) | {"classes.weight": make_tensor(EYE)}
    real, fake = [(3.0, 0.0), (0.0, 1.0)], [(0.8, 0.6), (0.0, 2.0)]
    # real: easy samples and an easy pair; -log 1 / (1 + exp 0) = log 2
    # fake: p = (0.8 - 0.98) / 0.5 and 0; n = (0.6 - 0.02) / 0.5 for both
    p, n = math.exp(-0.36), math.exp(1.16)
    hard = 0.5 * (math.log((p + n) / p) + math.log(1 + n)) / 2
    yield make_case(
        "two classes", real, fake, (0, 1), weights, {"discriminator": math.log(2) / 2, "generator": hard}, dim=2
    )
    alike = {"discriminator": 0, "generator": 0}  # no samples of other classes
    yield make_case("one class", real, fake, (1, 1), weights, alike, dim=2)
    # margins of 1 and 0: p = -0.2, n = 0.6; and p = 0, n = 0.6
    p, n = math.exp(-0.2), math.exp(0.6)
    plain = {"generator": math.log((p + n) / p) + math.log(1 + n)}
    margins: Any = {"positive": 1.0, "negative": 0.0, "temperature": 1.0, "weight": 2.0}
    yield make_case("margins", real, fake, (0, 1), weights, plain, dim=2, **margins)


def multi_hinge() -> Iterator[Case]:
    """Yield max(0, 1 - c_y + max of the others)."""
    weights = make_linear("classifier", EYE)
    real, fake = [(2.0, 0.5), (1.0, 0.5)], [(0.0, 3.0), (1.0, 1.5)]  # 0, and 1 - 0.5 + 1; 1 + 3, and 0.5
    yield make_case("two classes", real, fake, CLASSES, weights, {"discriminator": 0.75, "generator": 2.25})
    third = make_linear("classifier", [*EYE, (1.0, 0.0)])  # its logit is a: real (2, 1/2, 2), (1, 1/2, 1)
    expected = {"discriminator": 2 * ((1 + 1.5) / 2 + (4 + 1.5) / 2), "generator": 0.05 * 2.25}
    scales: Any = {"weight_d": 2, "weight_g": 0.05}
    yield make_case("a class of fakes", real, fake, CLASSES, third, expected, fakes=True, **scales)


def infogan() -> Iterator[Case]:
    """Yield the squares of continuous codes, and the cross-entropy of a one-hot code."""
    means = {"predict.weight": make_tensor(EYE), "predict.bias": torch.zeros(2, dtype=torch.float64)}
    z = [(1.0, 2.0, 9.0), (0.0, -1.0, 9.0)]  # of which two are codes; G's samples have the means
    fake = [(0.0, 2.0), (2.0, 2.0)]
    expected = {"discriminator": 0.1 * (1 + 13) / 4, "generator": 0.1 * (1 + 13) / 4}
    yield make_case("continuous", REAL, fake, None, means, expected, z=z)
    codes = [(0.5, 1.0, 0.0), (0.5, 0.0, 1.0)]  # p is 1/8 and 3/4
    both = {"predict.weight": make_tensor([*EYE, (0.0, 0.0)]), "predict.bias": make_tensor([0.0, 0.0, 2.5])}
    surprise = (math.log(8) + math.log(4 / 3)) / 2
    mixed = {"discriminator": 2 * surprise + 3 * 2**2 / 2, "generator": 2 * surprise + 3 * 2**2 / 2}
    scales: Any = {"weight": 2, "weight_continuous": 3, "continuous": 1}
    yield make_case("both", REAL, FAKE, None, both, mixed, z=codes, latent="normal+onehot2", **scales)


def ssgan() -> Iterator[Case]:
    """Yield the cross-entropies of an image a b / c d, whose pixels are the logits of its four turns."""
    weights = make_linear("classifier", [tuple(float(row == column) for column in range(4)) for row in range(4)])
    a, b, c, d = (math.log(number) for number in (4, 3, 2, 1))
    image = [[[(a, b), (c, d)]]] * 4  # turned counter-clockwise: b d / a c, then d c / b a, then c a / d b
    picked = sum(math.log(10 / number) for number in (4, 1, 3, 3)) / 4
    flat = [[[(0.0, 0.0), (0.0, 0.0)]]] * 4
    expected = {"discriminator": picked, "generator": 0.2 * math.log(4)}
    yield make_case("a gradient and a flat image", image, flat, None, weights, expected)
    yield make_case(
        "the other way",
        flat,
        image,
        None,
        weights,
        {"discriminator": 3 * math.log(4), "generator": picked},
        weight_d=3,
        weight_g=1,
    )
    several, wanted = [*image[:1], *flat[:1] * 7], (picked + math.log(4)) / 2  # the first two of eight are turned
    yield make_case(
        "two of eight", several, several, None, weights, {"discriminator": wanted, "generator": 0.2 * wanted}
    )


def kd() -> Iterator[Case]:
    """Yield distances of (1, 0), which the head always predicts, from the directions of the samples."""
    zeros = {**make_linear("predict.0", EYE), **make_linear("predict.2", EYE), **make_linear("predict.4", [(0, 0)] * 2)}
    weights = {**zeros, "predict.4.bias": make_tensor((1.0, 0.0))}
    real = [(3.0, 4.0), (0.0, 2.0)]  # cosines of 0.6 and 0
    yield make_case("two directions", real, FAKE, None, weights, {"discriminator": 0.7}, width=2)
    opposite = {"discriminator": 2 * 2}
    yield make_case("opposite", [(-3.0, 0.0)] * 2, FAKE, None, weights, opposite, width=2, weight=2)


def make_linear(name: str, weight: Sequence[Sequence[float]]) -> dict[str, Tensor]:
    """Return the weight and the bias, 0, of a linear layer."""
    return {f"{name}.weight": make_tensor(weight), f"{name}.bias": torch.zeros(len(weight), dtype=torch.float64)}


def make_tensor(numbers: Sequence[Any]) -> Tensor:
    """Return numbers as float64."""
    return torch.tensor(numbers, dtype=torch.float64)


class Fixed(nn.Module):
    """A generator that always makes the same samples, for latents with codes."""

    def __init__(self, samples: Tensor) -> None:
        super().__init__()
        self.samples = nn.Parameter(samples)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples."""
        return self.samples * 1


def make_case(
    name: str,
    real: Sequence[Any],
    fake: Sequence[Any],
    classes: tuple[int, ...] | None,
    weights: Mapping[str, Tensor],
    expected: Mapping[str, float],
    /,
    z: Sequence[Any] = (),
    latent: str = "normal",
    **options: float | bool,
) -> Case:
    """Return a case of a head with these weights, for samples that are their own embeddings."""
    given: dict[str, Any] = {"real": make_tensor(real), "fake": make_tensor(fake), "network": Embedded()}
    given |= {"weights": dict(weights), "latent": latent}
    if classes is not None:
        given["labels"] = torch.tensor(classes)
    if z:
        given |= {"generator": Fixed(make_tensor(fake)), "z": make_tensor(z)}
    return Case(name=name, options=options, given=given, expected=expected)
