"""Exact values: numbers of parameters of the networks, and divergences of short texts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ganzoo.plugin import Case, DataInfo
from ganzoo_text.text import one_hot

LETTERS = "abcd"
DATA = DataInfo(shape=(4, 4), dtype="float32", modality="text", meta={"vocabulary": [*LETTERS]})


def count_parameters(size: int, length: int, width: int, blocks: int, z_dim: int) -> tuple[int, int]:
    """Return the numbers of parameters of the generator and of the discriminator.

    Both have `blocks` blocks of two convolutions of kernel 5, with biases, and a convolution of kernel 1; G also has a
    linear layer from z to all channels of all places, D one from these to a logit.
    """
    both = blocks * 2 * (5 * width**2 + width)
    g = (z_dim + 1) * width * length + both + (width + 1) * size
    d = (size + 1) * width + both + width * length + 1
    return g, d


def networks() -> Iterator[Case]:
    """Yield the paper's networks, for 32 of 100 characters, and small ones; characters have probabilities."""
    for name, options, size, length in (
        ("the paper's width", {"width": 512}, 100, 32),
        ("small networks", {"width": 8, "blocks": 2, "z_dim": 3}, 5, 12),
    ):
        sizes = {"width": 64, "blocks": 5, "z_dim": 128} | options
        g, d = count_parameters(size, length, **sizes)
        yield Case(
            name=name,
            options=options,
            given={"data": DataInfo(shape=(size, length), dtype="float32", modality="text")},
            expected={"generator": g, "discriminator": d, "samples": 2.0 * length},
            tolerance=1e-5,
        )


def write(*texts: str) -> Tensor:
    """Return texts of four of the letters a to d, one-hot ``[N, 4, 4]``."""
    return one_hot(torch.tensor([[LETTERS.index(letter) for letter in text] for text in texts]), len(LETTERS))


def ngram_js() -> Iterator[Case]:
    """Yield texts whose divergences are known in closed form."""
    orders = (1, 2, 3, 4)
    for name, fake, divergence in (("the same text", "abab", 0.0), ("nothing in common", "cdcd", 1.0)):
        yield Case(
            name=name,
            given={"real": write("abab"), "fake": write(fake), "data": DATA},
            expected={f"{n}-gram": divergence for n in orders},
            tolerance=1e-12,
        )
    # ab, ba, ab and ab, bc, cd: the mean distribution is (3, 1, 1, 1) / 6
    means = 1 / 2 + math.log2(6) / 2
    yield Case(
        name="one pair of three in common",
        options={"orders": (2,)},
        given={"real": write("abab"), "fake": write("abcd"), "data": DATA},
        expected={"2-gram": means - ((math.log2(3) - 2 / 3) + math.log2(3)) / 2},
        tolerance=1e-12,
    )
    # (3, 1) / 4 and (1, 1) / 2, of two texts each: the mean is (5, 3) / 8
    means = 3 - (5 * math.log2(5) + 3 * math.log2(3)) / 8
    yield Case(
        name="the same letters, with other frequencies",
        options={"orders": (1,)},
        given={"real": write("aaab", "abaa"), "fake": write("abab", "bbaa"), "data": DATA},
        expected={"1-gram": means - ((2 - 3 / 4 * math.log2(3)) + 1) / 2},
        tolerance=1e-12,
    )
