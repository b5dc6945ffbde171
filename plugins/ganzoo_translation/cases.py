"""Numbers of parameters of the translators, and exact values of their terms, for `ganzoo check`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import Case, DataInfo

PHOTOS = DataInfo(shape=(3, 256, 256), label_shape=(3, 256, 256))

# ----------------------------------------------------------------------------
# Networks.


def pix2pix() -> Iterator[Case]:
    """Yield the counts of the paper's networks at 256 and 128 pixels, and of pix2pixHD's."""
    d = count_patchgan(6, 64, 3, scaled=True)
    given = {"data": PHOTOS}
    options: dict[str, Any] = {"width": 64}
    counts = {"generator": count_unet(3, 3, 64, 8), "discriminator": d}  # 54.414 M and 2.769 M are published
    yield Case(name="256 pixels", options=options, given=given, expected=counts)
    small = {"data": DataInfo(shape=(1, 128, 128), label_shape=(3, 128, 128))}
    counts = {"generator": count_unet(3, 1, 64, 7), "discriminator": count_patchgan(4, 64, 5, scaled=True)}
    yield Case(name="128 pixels, patches of 286", options={**options, "layers_d": 5}, given=small, expected=counts)
    large: dict[str, Any] = {
        "generator": "resnet",
        "downs": 4,
        "blocks": 9,
        "norm": "unscaled",
        "norm_d": "unscaled",
        "scales": 3,
    }
    counts = {"generator": count_resnet(3, 3, 64, 9, 4), "discriminator": 3 * count_patchgan(6, 64, 3)}
    yield Case(name="pix2pixHD", options={**options, **large}, given=given, expected=counts)
    pixels = {"generator": counts["generator"], "discriminator": (6 + 1) * 64 + 64 * 128 + 2 * 128 + 128 + 1}
    options = {**options, **large, "norm_d": "instance", "scales": 1, "layers_d": 0}
    yield Case(name="D of pixels", options=options, given=given, expected=pixels)


def cyclegan() -> Iterator[Case]:
    """Yield the counts of the paper's networks, which are published as 11.378 M and 2.765 M, twice."""
    counts = {"generator": 2 * count_resnet(3, 3, 64, 9, 2), "discriminator": 2 * count_patchgan(3, 64, 3)}
    yield Case(name="9 blocks", options={"width": 64, "blocks": 9}, given={"data": PHOTOS}, expected=counts)


def cut() -> Iterator[Case]:
    """Yield the counts of the paper's networks."""
    counts = {"generator": count_resnet(3, 3, 64, 9, 2), "discriminator": count_patchgan(3, 64, 3)}
    yield Case(name="9 blocks", options={"width": 64, "blocks": 9}, given={"data": PHOTOS}, expected=counts)


def count_unet(inputs: int, outputs: int, w: int, levels: int) -> int:
    """Return the number of a U-Net's parameters: 16 B C for a convolution from B to C channels, 2 C for a norm."""
    widths = [w * min(1 << level, 8) for level in range(levels)]
    down = 16 * sum(b * c for b, c in pairwise([inputs, *widths])) + 2 * sum(widths[1:-1])
    up = 16 * (widths[-1] * widths[-2] + sum(2 * c * b for b, c in pairwise(widths[:-1]))) + 2 * sum(widths[:-1])
    return down + up + 16 * 2 * w * outputs + outputs


def count_resnet(inputs: int, outputs: int, w: int, blocks: int, downs: int) -> int:
    """Return the number of parameters of a generator with residual blocks, whose convolutions have biases."""
    widths = [(w << down) for down in range(downs + 1)]
    inner = widths[-1]
    ends = 49 * inputs * w + w + 49 * w * outputs + outputs
    pyramid = sum(2 * 9 * b * c + b + c for b, c in pairwise(widths))
    return ends + pyramid + 2 * blocks * (9 * inner * inner + inner)


def count_patchgan(channels: int, w: int, layers: int, scaled: bool = False) -> int:
    """Return the number of parameters of a discriminator of patches; norms have scales in place of biases, or none."""
    widths = [w * min(1 << layer, 8) for layer in range(layers + 1)]
    inner = sum(16 * b * c + (2 * c if scaled else c) for b, c in pairwise(widths))
    return 16 * channels * w + w + inner + 16 * widths[-1] + 1


# ----------------------------------------------------------------------------
# Terms. Networks multiply images by a number, so that each value can be computed by hand.


class Times(nn.Module):
    """A network that multiplies images by a number; as a generator, its labels."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(float(factor)))

    def translate(self, images: Tensor) -> Tensor:
        """Return the images times the number."""
        return self.factor * images

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images times the number: labels, where `x` are latents."""
        return self.translate(x if labels is None or x.dim() > 2 else labels)


class TwoTimes(nn.Module):
    """Networks of two directions, each of which multiplies by a number."""

    def __init__(self, forth: float, back: float) -> None:
        super().__init__()
        self.forth, self.back = Times(forth), Times(back)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return what the way forth returns."""
        return self.forth.forward(x, labels)


def cycle() -> Iterator[Case]:
    """Yield inputs x = 1 and images y = 2, with G = 3 times, F = 1/2 times, D_X = 1 times, and the cross-entropy.

    F(G(x)) = 1.5, G(F(y)) = 3, G(y) = 6 and F(x) = 0.5. D_X says 1 of x and of F(y).
    """
    x, y = torch.ones(2, 1, 4, 4), torch.full((2, 1, 4, 4), 2.0)
    cycles, same, fooled = 0.5 + 1.0, 4.0 + 0.5, math.log(1 + math.exp(-1))
    given: dict[str, Any] = {
        "real": y, "fake": 3 * x, "labels": x, "z": torch.zeros(2, 0), "generator": TwoTimes(3, 0.5),
        "network": TwoTimes(1, 1),
    }  # fmt: skip
    told = {"generator": 10 * cycles + fooled, "discriminator": 2 * fooled + 1}
    yield Case(name="cycles", options={"identity": 0.0}, given=given, expected=told)
    told = {"generator": 2 * (cycles + 0.5 * same) + fooled}
    yield Case(name="identity too", options={"weight": 2.0}, given=given, expected=told)


class Shown(Times):
    """A generator that shows its maps: the images, twice."""

    def encode(self, images: Tensor) -> list[Tensor]:
        """Return the images twice."""
        return [images, images]


class Turned(Shown):
    """A generator whose images have their channels in the other order."""

    def translate(self, images: Tensor) -> Tensor:
        """Return the images times the number, with turned channels."""
        return super().translate(images.flip(1))


def patchnce() -> Iterator[Case]:
    """Yield four places whose vectors are at right angles, so that q k is 1 at one place and 0 at the others."""
    places = torch.eye(4).reshape(1, 4, 2, 2)
    head = {"0.weight": torch.eye(4), "0.bias": torch.zeros(4), "2.weight": torch.eye(4), "2.bias": torch.zeros(4)}
    given: dict[str, Any] = {
        "real": places, "fake": places, "labels": places, "z": torch.zeros(1, 0), "network": Times(1),
        "weights": {f"heads.{number}.{name}": value for number in range(2) for name, value in head.items()},
    }  # fmt: skip
    found, options = math.log(1 + 3 * math.exp(-2)), {"temperature": 0.5, "width": 4, "identity": 0.0}
    for name, generator, more, value in (
        ("each finds its place", Shown(2.0), {}, found),
        ("each finds another", Turned(2.0), {}, found + 2),
        ("identity too", Shown(2.0), {"identity": 0.5, "weight": 3.0}, 4.5 * found),
    ):
        yield Case(
            name=name,
            options={**options, **more},
            given={**given, "generator": generator},
            expected={"generator": value},
            tolerance=1e-5,
        )
