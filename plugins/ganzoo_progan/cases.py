"""Numbers of parameters of the paper's networks, for `ganzoo check progan`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ganzoo.plugin import Case, DataInfo


def cases() -> Iterator[Case]:
    """Yield the sums of table 2, layer by layer: 23.1 million each."""
    widths = [512, 512, 512, 512, 256, 128, 64, 32, 16]  # at 4, 8, ..., 1024 pixels
    pairs = list(pairwise(widths))
    shared = 16 * 512**2 + 512  # the layer of 4x4
    generator = shared + count(512, 512) + sum(count(a, b) + count(b, b) for a, b in pairs) + 3 * 16 + 3
    discriminator = 3 * 16 + 16 + sum(count(b, b) + count(b, a) for a, b in pairs) + count(513, 512) + shared + 513
    yield Case(
        name="CelebA-HQ",
        options={"channel_base": 16384, "channel_max": 512, "z_dim": 512},
        given={"data": DataInfo(shape=(3, 1024, 1024))},
        expected={"generator": generator, "discriminator": discriminator},
    )


def count(inputs: int, outputs: int) -> int:
    """Return the number of parameters of a 3x3 convolution."""
    return (9 * inputs + 1) * outputs
