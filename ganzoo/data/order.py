"""The order in which updates read a dataset in shards: a shuffle of which nothing is stored.

A batch consists of equal parts, and each part is read from a range of slots of its own. So processes on one machine,
which take a slice of each batch, read a range of the shards, and a run has the same order on any number of machines.
An epoch of a part permutes the shards in its range, cuts them into windows of `NUM_OPEN`, and permutes the samples of
each window. This is a function of (seed, epoch, part, window).

It is less random than a permutation of all samples: a sample is near those of its window. But the slots are a random
permutation of the dataset, so that each window and each part is a random sample of it, and only its company is fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

from ganzoo.data.shards import Shards

MOST_PARTS = 16
EVEN = 1.1  # the largest part has at most so many times the samples of the smallest, which are seen more often
NUM_OPEN = 4  # shards of a part that are read at the same time

Window = tuple[int, int, Tensor]  # its epoch, its first place in the epoch, and its items


def list_part_counts(batch: int) -> list[int]:
    """Return in how many equal parts a batch may be divided, the most first."""
    return [count for count in range(min(batch, MOST_PARTS), 0, -1) if batch % count == 0]


def widen_share(first: int, last: int, size: int, batch: int) -> tuple[Fraction, Fraction]:
    """Return begin and end of the parts, from 0 to 1, that processes read who take a slice of each batch.

    Args:
        first: The number of the first of the processes.
        last: The number of the process after the last of them.
        size: The number of all processes.
        batch: The size of the total batch.
    """
    parts = list_part_counts(batch)[0]
    return Fraction(first * parts // size, parts), Fraction(-(-last * parts // size), parts)


class ShardOrder:
    """The order of the samples of a dataset in shards.

    Args:
        shards: The samples of the whole dataset.
        index: The positions of those that are read, int64 ``[n]``.
        batch: The size of the total batch.
        derive_seed: A function that returns the seed of a stream, an epoch and further numbers
            (`ganzoo.compute.streams.Streams.derive_seed`).
    """

    def __init__(self, shards: Shards, index: Tensor, batch: int, derive_seed: Callable[..., int]) -> None:
        self.derive_seed, slots = derive_seed, shards.stores.slots[index]
        slots, order = slots.sort()
        self._items, total, size = index[order], len(shards), shards.stores.size
        for parts in list_part_counts(batch):
            bounds = [part * total // parts for part in range(parts + 1)]
            edges = [[low, *range(low - low % size + size, high, size), high] for low, high in pairwise(bounds)]
            places = [torch.searchsorted(slots, torch.tensor(edge)).tolist() for edge in edges]
            self._counts = [place[-1] - place[0] for place in places]
            if max(self._counts) <= EVEN * min(self._counts):  # true for 1 part
                break
        self.num_parts = parts
        self._pieces = [[(low, high) for low, high in pairwise(place) if low < high] for place in places]
        self._windows: dict[int, Window] = {}  # the last one of each part

    def follow(self, images: int, num: int) -> Tensor:
        """Return the positions of the batch of `num` samples after the first `images`, which are whole batches."""
        parts = self.num_parts
        return torch.cat([self._follow_part(part, images // parts, num // parts) for part in range(parts)])

    def draw(self, generator: torch.Generator, images: int, num: int) -> Tensor:
        """Return the positions of `num` samples that are drawn independently from the windows at `images` images."""
        parts = self.num_parts
        ends = [-(-part * num // parts) for part in range(parts + 1)]
        drawn = []
        for part, (low, high) in enumerate(pairwise(ends)):
            items = self._find_window(part, *divmod(images // parts, self._counts[part]))[2]
            drawn.append(items[torch.randint(len(items), (high - low,), generator=generator)])
        return torch.cat(drawn)

    def _follow_part(self, part: int, place: int, num: int) -> Tensor:
        """Return the positions of `num` samples of a part after the first `place` of its endless sequence of epochs."""
        found = list[Tensor]()
        while num:
            epoch, at = divmod(place, self._counts[part])
            _, first, items = self._find_window(part, epoch, at)
            found.append(items[at - first :][:num])
            place, num = place + len(found[-1]), num - len(found[-1])
        return torch.cat(found)

    def _find_window(self, part: int, epoch: int, at: int) -> Window:
        """Return the window of a part that has the place `at` of an epoch."""
        last = self._windows.get(part)
        if last is not None and last[0] == epoch and last[1] <= at < last[1] + len(last[2]):
            return last
        pieces, first, number = self._pieces[part], 0, 0
        order = self._permute(len(pieces), epoch, part).tolist()
        while True:
            chosen = [pieces[piece] for piece in order[number : number + NUM_OPEN]]
            count = sum(high - low for low, high in chosen)
            if at < first + count:
                break
            first, number = first + count, number + NUM_OPEN
        items = torch.cat([self._items[low:high] for low, high in chosen])
        self._windows[part] = window = epoch, first, items[self._permute(count, epoch, part, number)]
        return window

    def _permute(self, num: int, epoch: int, *more: int) -> Tensor:
        return torch.randperm(
            num, generator=torch.Generator().manual_seed(self.derive_seed("order-shards", epoch, *more))
        )
