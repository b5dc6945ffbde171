"""Numbers of parameters of FastGAN's networks, and exact values of its term, for `ganzoo check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import Case, DataInfo, DiscriminatorOutput


def networks() -> Iterator[Case]:
    """Yield the counts of the authors' width at 256 pixels, and of a small one at 1024."""
    for size, width in ((256, 64), (1024, 8)):
        generator, discriminator = count_parameters(size, width, 256)
        yield Case(
            name=f"{size} pixels",
            options={"width": width, "z_dim": 256},
            given={"data": DataInfo(shape=(3, size, size))},
            expected={"generator": generator, "discriminator": discriminator},
        )


def count_parameters(size: int, w: int, z_dim: int) -> tuple[int, int]:
    """Return the numbers of both networks' parameters for 256 or 1024 pixels and 3 channels, layer by layer.

    A 3x3 convolution from B to C channels has 9BC, batch normalisation 2C. G's convolutions have 2C channels before the
    gated unit halves them.
    """
    up = [(16 * w, 8 * w), (8 * w, 4 * w), (4 * w, 2 * w), (2 * w, 2 * w), (2 * w, w), (w, w // 2)]  # 4 to 256 pixels
    gates = [(8 * w, w), (4 * w, w // 2)]  # 8x8 gates 128x128, 16x16 gates 256x256
    down = [(w // 2, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w), (8 * w, 16 * w)]  # 256 to 8 pixels
    last, first = 9 * (w // 2) * 3 + 3, 9 * 3 * (w // 2) + w // 2  # the layers beside the image
    if size == 1024:  # with 3 channels at 512 and 1024 pixels
        up += [(w // 2, 3), (3, 3)]
        gates += [(2 * w, 3)]
        last, first = 9 * 3 * 3 + 3, 16 * 3 * 3 + 3 + 16 * 3 * (w // 2) + w
    generator = 16 * z_dim * 32 * w + 2 * 32 * w + sum(9 * b * 2 * c + 2 * 2 * c for b, c in up) + last
    generator += sum((16 * b + c) * c for b, c in gates)
    blocks = sum((16 * b + 9 * c + b) * c + 3 * 2 * c for b, c in down)
    return generator, first + blocks + (16 * w) ** 2 + 32 * w + 16 * 16 * w


def reconstruction() -> Iterator[Case]:
    """Yield the distances of grey images from 0, which decoders without biases draw from features of 0."""
    real, fake = torch.full((3, 1, 16, 16), 0.25), torch.zeros(3, 1, 16, 16)
    both = {"real": real, "fake": fake, "network": Blind(((2, 8, 8), (4, 4, 4)))}
    yield Case(name="the whole image and a part of it", given=both, expected={"discriminator": 0.5})
    one = {"real": real, "fake": fake, "network": Blind(((3,),))}
    yield Case(
        name="features without height and width", options={"weight": 2.0}, given=one, expected={"discriminator": 0.5}
    )


class Blind(nn.Module):
    """A discriminator whose features, of these shapes, are 0."""

    def __init__(self, shapes: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        self.shapes, self.last = shapes, nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor, labels: Any = None) -> DiscriminatorOutput:
        """Return the mean of each sample, and features."""
        features = [0 * x.mean() + x.new_zeros(len(x), *shape) for shape in self.shapes]
        return DiscriminatorOutput(self.last * x.mean((1, 2, 3)), features=features)
