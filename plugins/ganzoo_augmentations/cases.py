"""Exact values of the augmentations, for `ganzoo check augmentations`.

Operations are random, but some sums are not: that of a plain image that is moved, and that of an image at ``p=0``.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ganzoo.plugin import Case

PLAIN = torch.full((2, 3, 8, 6), 0.25)  # a plain image keeps its value wherever its pixels go


def ada() -> Iterator[Case]:
    """Yield the sums of plain images, which neither move nor change when they are transformed."""
    moved = {"p": 1.0, "colour": 0.0}
    yield _case("identity", 72, p=0.0, filter=1.0, noise=1.0, cutout=1.0)
    yield _case("plain, blitted", 72, **moved, geometry=0.0)
    yield _case("plain, transformed", 72, **moved)


def apa() -> Iterator[Case]:
    """Yield the sums of samples that are all real, and all generated."""
    given = {"samples": PLAIN, "fake": 2 * PLAIN}
    yield Case(name="none", options={"p": 0.0}, given=given, expected={"sum": 72})
    yield Case(name="all", options={"p": 1.0}, given=given, expected={"sum": 144})


def diffaugment() -> Iterator[Case]:
    """Yield the sum of images at p = 0."""
    yield _case("identity", 72, p=0.0)


def translate() -> Iterator[Case]:
    """Yield the sum of images that move by at most 0 pixels."""
    yield _case("identity", 72, p=0.0)
    yield _case("no distance", 72, share=0.0)


def cutout() -> Iterator[Case]:
    """Yield the sum of images out of which nothing, or one pixel, is cut."""
    yield _case("identity", 72, p=0.0)
    yield _case("no rectangle", 72, share=0.0)
    yield _case("one of 48 pixels", 72 * 47 / 48, share=0.16)  # one pixel of 8, and one of 6


def flip() -> Iterator[Case]:
    """Yield a number of a mirrored image, which was in the last column."""
    samples = torch.arange(12.0).reshape(1, 1, 3, 4)
    given = {"samples": samples, "indices": (0, 0, 1, 0)}
    yield Case(name="mirrored", options={"p": 1.0}, given=given, expected={"value": 7.0, "sum": 66.0})


def blur() -> Iterator[Case]:
    """Yield a pixel of a blurred point in the middle of 17 x 17 pixels, the square of 1 / (sqrt(2 pi) sigma)."""
    yield _case("plain", 72, sigma=10.0)
    point = torch.zeros(1, 1, 17, 17)
    point[..., 8, 8] = 1.0
    given = {"samples": point, "indices": (0, 0, 8, 8)}
    yield Case(
        name="point", options={"sigma": 1.0}, given=given, expected={"value": 0.15915494309189535}, tolerance=1e-5
    )


def _case(name: str, total: float, **options: float) -> Case:
    return Case(name=name, options=options, given={"samples": PLAIN}, expected={"sum": total}, tolerance=1e-5)
