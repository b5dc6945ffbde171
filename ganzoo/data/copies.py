"""Samples that are copies of each other: equal ones, and images that look alike.

Images that look alike are found by a perceptual hash: 63 bits say which of the lowest cosine frequencies of the grey
image are above their median. An image that was resized, compressed again or made a little brighter keeps almost all of
them. A pair counts only if its thumbnails agree too, because simple images share many bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

MOST_BITS = 6  # two images that look alike differ in at most so many bits of their hashes
BANDS = MOST_BITS + 1  # then their hashes agree in at least one of so many bands of bits
AGREEING = 0.99  # correlation of the thumbnails of two images that look alike
SIDE, LOW, THUMBNAIL = 32, 8, 16  # pixels of the hashed image; frequencies of each direction; pixels of a thumbnail
CHUNK = 2048  # rows or pairs at a time
MOST_PAIRS = 100_000  # more than a person looks at


def group_copies(digests: Hashes) -> list[Numbers]:
    """Return the numbers of equal samples, a group for each sample that is there more than once.

    Args:
        digests: The digests of the samples (`ganzoo.data.holdout.find_digests`).
    """
    return [group for group in _group_equal(digests) if len(group) > 1]


def find_lookalikes(batches: Iterable[torch.Tensor]) -> list[tuple[int, int]]:
    """Return the pairs of images that look alike, as their numbers, the smaller one first; at most about `MOST_PAIRS`.

    Args:
        batches: Images ``[n, C, H, W]``, of which no two are equal.
    """
    parts = [_shrink(batch) for batch in batches]
    hashes = np.concatenate([part[0] for part in parts])
    thumbnails = torch.cat([part[1] for part in parts])
    found: set[tuple[int, int]] = set()
    for one, other in _find_near(hashes):
        for start in range(0, len(one), CHUNK):
            ends = one[start : start + CHUNK], other[start : start + CHUNK]
            agree = ((thumbnails[ends[0]] * thumbnails[ends[1]]).sum(1) > AGREEING).numpy()
            found.update(zip(ends[0][agree].tolist(), ends[1][agree].tolist(), strict=True))
        if len(found) > MOST_PAIRS:
            break
    return sorted(found)


def _shrink(images: torch.Tensor) -> tuple[Hashes, torch.Tensor]:
    """Return the hashes of images, and their thumbnails, float32 ``[n, THUMBNAIL^2]`` with mean 0 and norm 1."""
    grey = images.float()
    if images.shape[1] == 3:  # brightness, which JPEG stores more exactly than colours (ITU-R BT.601)
        grey = grey * torch.tensor((0.299, 0.587, 0.114)).reshape(1, 3, 1, 1) * 3
    grey = grey.mean(1, keepdim=True)
    small = functional.interpolate(grey, size=(SIDE, SIDE), mode="area")[:, 0]
    place = torch.arange(SIDE)
    cosines = torch.cos(torch.pi * (2 * place + 1) * place[:LOW, None] / (2 * SIDE))  # [LOW, SIDE]
    waves = (cosines @ small @ cosines.T).flatten(1)[:, 1:]  # without the mean
    bits = functional.pad(waves > waves.median(1, keepdim=True).values, (0, 1))
    hashes = np.packbits(bits.numpy(), axis=1).view(">u8")[:, 0].astype(np.uint64)
    thumbnails = functional.interpolate(grey, size=(THUMBNAIL, THUMBNAIL), mode="area").flatten(1)
    return hashes, functional.normalize(thumbnails - thumbnails.mean(1, keepdim=True))


def _find_near(hashes: Hashes) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield pairs of numbers, ``[n]`` each, of samples whose hashes differ in at most `MOST_BITS` bits.

    Hashes that differ in k bits agree in at least one of k + 1 bands of bits, so only those are compared.
    """
    edges = np.linspace(0, 64, BANDS + 1).astype(np.uint64)
    for start, end in itertools.pairwise(edges):
        band = (hashes >> start) & np.uint64((1 << int(end - start)) - 1)
        for group in _group_equal(band):
            for first in range(0, len(group) if len(group) > 1 else 0, CHUNK):
                rows = hashes[group[first : first + CHUNK]]
                near = np.bitwise_count(rows[:, None] ^ hashes[group][None, first:]) <= MOST_BITS
                one, other = np.nonzero(np.triu(near, 1))
                yield group[first + one], group[first + other]


def _group_equal(values: Hashes) -> list[Numbers]:
    """Return the positions of equal values, a sorted group for each value."""
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order])) + 1)
