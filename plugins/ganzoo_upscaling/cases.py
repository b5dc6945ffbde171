"""The numbers of parameters of the published networks, and of their discriminators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Case, DataInfo

UNET, VGG = 4_376_897, 14_499_401  # of 64 channels; for images of any size, and for 128x128
FULL: dict[str, Any] = {"width": 64, "growth": 32, "blocks": 23, "width_d": 64}


def make_data(scale: int, channels: int = 3, size: int = 128) -> DataInfo:
    """Return images of `size` pixels whose labels are smaller images."""
    small = size // scale
    return DataInfo(shape=(channels, size, size), label_shape=(channels, small, small))


def rrdb() -> Iterator[Case]:
    """Yield the published networks. A dense block of width 64 and growth 32 has 239,808 parameters.

    There are three of them in each of 23 blocks, four convolutions of 64 -> 64 (36,928 each), the last one of 64 -> 3
    (1,731), and the first one of 3, 12 or 48 channels (1,792, 6,976 or 27,712).
    """
    inner = 3 * 23 * 239_808 + 4 * 36_928 + 1_731
    for scale, first in ((4, 1_792), (2, 6_976), (1, 27_712)):
        yield Case(
            name=f"{scale} times",
            options=FULL,
            given={"data": make_data(scale)},
            expected={"generator": inner + first, "discriminator": UNET},
        )
    yield Case(
        name="ESRGAN",
        options={**FULL, "d": "vgg"},
        given={"data": make_data(4)},
        expected={"generator": 16_697_987, "discriminator": VGG},
    )


def compact() -> Iterator[Case]:
    """Yield the published networks: 3 -> 64 (1,792), 16 or 32 of 64 -> 64 (36,928), and 64 -> 48 (27,696) channels.

    Each convolution but the last has a slope for each of its 64 channels.
    """
    for convs, total in ((32, 1_213_296), (16, 1_792 + 64 + 16 * (36_928 + 64) + 27_696)):
        yield Case(
            name=f"{convs} convolutions",
            options={"width": 64, "convs": convs, "width_d": 64},
            given={"data": make_data(4)},
            expected={"generator": total, "discriminator": UNET},
        )
