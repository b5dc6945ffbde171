"""Numbers of parameters of FastGAN's networks, and exact values of its term, for `ganzoo check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import Case, DataInfo, DiscriminatorOutput
from ganzoo_fastgan import LightweightGANOptions


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


def lightweight_networks() -> Iterator[Case]:
    """Yield the counts of the package's sizes at 256 pixels, and of smaller ones at 1024."""
    package = {"channel_base": 8192, "channel_max": 512, "z_dim": 256, "attention": (32,), "head_width": 64}
    small = {"channel_base": 2048, "channel_max": 32, "z_dim": 8, "attention": None, "patches": True}
    for size, options in ((256, package), (1024, small)):
        generator, discriminator = count_lightweight(size, LightweightGANOptions(**options))
        yield Case(
            name=f"lightweight at {size} pixels",
            options=options,
            given={"data": DataInfo(shape=(3, size, size))},
            expected={"generator": generator, "discriminator": discriminator},
        )


def count_lightweight(size: int, options: LightweightGANOptions) -> tuple[int, int]:
    """Return the numbers of both networks' parameters for 3 channels, layer by layer.

    Attention on C channels with E in all heads has 8CE + 12C: two projections to E channels, two to 2E and one from 2E
    with a bias, 9 weights of each channel before one of them, and a norm.
    """
    z, most, inner, chosen = options.z_dim, options.channel_max, 8 * options.head_width, options.attention or ()

    def attend(channels: int) -> int:
        return 8 * channels * inner + 12 * channels

    def halve(b: int, c: int) -> int:
        return 4 * b * c + c + 9 * c * c + c + b * c + c

    sides = [4 << level for level in range(size.bit_length() - 2)]
    g = {side: 3 if side > 256 else min(options.channel_base // side, most) for side in sides} | {4: z}
    generator = 32 * z * z + 2 * z + 4 * z + 9 * g[size] * 3 + 3
    for side in sides[:-1]:
        b, c = g[side], g[2 * side]
        generator += 4 * b * b + 4 * b + 32 * b * c + 2 * c + 1 + 4 * c + (attend(b) if side in chosen else 0)
    for side in sides[5:]:  # 128 pixels and more, whose gates are made of maps 8 times smaller
        b, c = g[side // 8], g[side]
        hidden = max(3, c // 2)
        generator += b + 1 + (b + 1) * hidden + (hidden + 1) * c
    top = min(size, 256)
    d = {side: min(options.channel_base // 2 // side, most) for side in sides if 8 <= side <= top}
    discriminator, stages = 0, [side for side in sides if side > top]
    for stage in stages:  # convolutions of 4x4 to half the resolution
        c = d[top] if stage == stages[0] else 3
        discriminator += 16 * 3 * c + c
    d |= {} if stages else {top: 3}
    for side in (each for each in d if each < top):
        discriminator += halve(d[2 * side], d[side]) + (attend(d[2 * side]) if 2 * side in chosen else 0)
    discriminator += (1 if options.patches else 9) * d[8] ** 2 + d[8] + 16 * d[8] + 1
    discriminator += 9 * 3 * 64 + 64 + attend(64) + halve(64, 32) + attend(32) + 16 * 32 + 1
    return generator, discriminator


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
