"""Shards: a packed dataset in several stores, for data that are larger than memory, or than one machine.

``<cache>/KEY-SIZE/NUMBER/`` is the store of one shard (`ganzoo.data.store`), with the items of `SIZE` slots. A fixed
random permutation gives each item a slot, so that a shard is a random part of the dataset, whatever the order of its
items. A machine packs only the shards that its processes read (`Machine`). Stores are mapped when they are read, and a
limited number stays mapped. `ganzoo.data.order` has the order in which updates read them.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import torch

from ganzoo.data.arrays import DTYPES
from ganzoo.data.packing import Array, Packing, Skipped, decode, describe_error, make_unreadable_error
from ganzoo.data.store import Store, open_store, read_store
from ganzoo.errors import GanzooError

MANY_BYTES = 1 << 35  # datasets whose samples have more bytes are packed in shards without being asked
SHARD_BYTES = 1 << 26  # bytes of the samples of one of these shards
MOST_MAPPED = 128  # stores that are mapped at once: what all parts of two batches read, and as many again
SEED = 0  # of the permutation; another one would be another dataset

Facts = dict[int, Any]  # by the number of a shard
Exchange = Callable[[Facts], Sequence[Facts]]


@dataclass(frozen=True)
class Machine:
    """What the processes of this machine read of data in shards.

    Args:
        share: Begin and end of their share of each batch, from 0 to 1. They read the same share of the slots.
        exchange: A function that all processes call, and that returns what each of them gave, in their order.
    """

    share: tuple[Fraction, Fraction] = (Fraction(0), Fraction(1))
    exchange: Exchange = lambda facts: [facts]


WHOLE = Machine()  # it has all shards


class ShardedStore:
    """The stores of a dataset's shards.

    Args:
        packing: The whole dataset; its directory is the folder of the stores.
        size: The number of slots of a shard; the last one may have fewer.
        machine: Which shards this machine has.

    Raises:
        GanzooError: As `ganzoo.data.store.open_store`.
    """

    def __init__(self, packing: Packing, size: int, machine: Machine) -> None:
        self.packing, self.size, self.machine, count = packing, size, machine, len(packing.items)
        self.items = torch.randperm(count, generator=torch.Generator().manual_seed(SEED))  # by their slots
        self.slots = torch.empty_like(self.items)  # by their items
        self.slots[self.items] = torch.arange(count)
        self.map_store = lru_cache(MOST_MAPPED)(self._map_store)
        begin, end = machine.share
        self.own = range(int(begin * count) // size, math.ceil(math.ceil(end * count) / size))
        self._fingerprints: dict[int, str] = {}
        self._skipped: dict[int, Array] = {}  # by shard: the skipped slots, from its first one
        self._digests: Array | None = None
        self.skipped, self.content = self._open()

    def _open(self) -> tuple[tuple[Skipped, ...], str]:
        """Pack the shards of this machine, or check them; return what all machines skipped, and the whole content."""
        facts: Facts = {}
        for number in self.own:
            packing = self._choose(number)
            store = open_store(packing)
            self._fingerprints[number] = packing.compute_fingerprint()
            self._skipped[number] = np.array([entry.index for entry in store.skipped], dtype=np.int64)
            first = number * self.size
            entries = [replace(entry, index=int(self.items[first + entry.index])) for entry in store.skipped]
            facts[number] = (store.content, entries)
        found = {number: fact for each in self.machine.exchange(facts) for number, fact in each.items()}
        skipped = tuple(sorted(chain(*(fact[1] for fact in found.values())), key=lambda entry: entry.index))
        if len(skipped) == len(self.items):
            raise make_unreadable_error(self.packing.name, len(skipped), skipped)
        self._contents = {number: fact[0] for number, fact in found.items()}
        return skipped, hashlib.sha256("".join(self._contents[key] for key in sorted(found)).encode()).hexdigest()

    def _choose(self, number: int) -> Packing:
        """Return the packing of one shard. It reports the progress of all shards of this machine."""
        packing, own = self.packing, self.own
        items = [packing.items[item] for item in self.items[number * self.size :][: self.size].tolist()]
        show, done = packing.progress, own.index(number) if number in own else 0

        def report(line: str, share: float) -> None:
            assert show is not None
            show(f"{line} of shard {done + 1} of {len(own)}", (done + share) / len(own))

        directory = packing.directory / f"{number:05}"
        return replace(packing, items=items, directory=directory, progress=show and report, whole=False)

    def _map_store(self, number: int) -> Store:
        store = read_store(self._choose(number), self._fingerprints[number])
        if store is None or store.content != self._contents[number]:
            raise GanzooError(
                f"the packed dataset {self.packing.name!r} in {self.packing.directory} was removed or changed while it "
                "was read: start again; it is packed again then"
            )
        return store

    def list_present(self) -> torch.Tensor:
        """Return the numbers of the items that can be decoded, int64 ``[n]``."""
        present = torch.ones(len(self.items), dtype=torch.bool)
        present[[entry.index for entry in self.skipped]] = False
        return present.nonzero()[:, 0]

    def read(self, index: torch.Tensor, labels: bool, out: torch.Tensor) -> torch.Tensor:
        """Copy the samples of some items, or their labels that are arrays, to `out` ``[n, *shape]``; return that."""
        slots = self.slots[index]
        shards, order = (slots // self.size).sort(stable=True)
        numbers, counts = torch.unique_consecutive(shards, return_counts=True)
        for number, rows in zip(numbers.tolist(), torch.split(order, counts.tolist()), strict=True):
            if number not in self.own:
                out[rows] = self._decode(index[rows], labels)
                continue
            store, places = self.map_store(number), (slots[rows] - number * self.size).numpy()
            store.check()
            if len(skipped := self._skipped[number]):
                places -= np.searchsorted(skipped, places)  # skipped items have no place
            values = store.labels if labels else store.data
            assert values is not None
            out[rows] = torch.from_numpy(values[places])  # a copy
        return out

    def _decode(self, index: torch.Tensor, labels: bool) -> torch.Tensor:
        """Return the samples of items of other machines' shards, which few grids and metrics read."""
        items = [self.packing.items[number] for number in index.tolist()]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            decoded = list(pool.map(lambda item: decode(item, self.packing.info), items))
        for item, result in zip(items, decoded, strict=True):
            if isinstance(result, Exception):
                raise GanzooError(
                    f"dataset {self.packing.name!r}: {item.name} cannot be read any more ({describe_error(result)}): "
                    "give it back, then resume the run"
                ) from result
        parts = [each.target if labels else each.data for each in decoded if not isinstance(each, Exception)]
        return torch.from_numpy(np.stack([part for part in parts if part is not None]))

    def gather_digests(self, compute: Callable[[Store], Array]) -> Array:
        """Return a number of each item, uint64 ``[N]``, of which each machine computes those of its shards.

        All processes must call this together for the first time.

        Args:
            compute: A function that returns the numbers of a store's samples, in their order.
        """
        if self._digests is None:
            facts = {number: compute(self.map_store(number)) for number in self.own}
            digests = np.zeros(len(self.items), dtype=np.uint64)
            present = np.zeros(len(self.items), dtype=bool)
            present[self.list_present().numpy()] = True
            for number, values in chain(*(each.items() for each in self.machine.exchange(facts))):
                items = self.items[number * self.size :][: self.size].numpy()
                digests[items[present[items]]] = values
            self._digests = digests
        return self._digests


class Shards:
    """The samples, or the labels that are arrays, of a dataset in shards. It is read like a tensor ``[N, *shape]``.

    A position is the number of an item. Items that cannot be decoded have one too, which is never read.

    Args:
        stores: The stores of the shards.
        labels: Whether these are the labels.
    """

    device, is_cuda = torch.device("cpu"), False

    def __init__(self, stores: ShardedStore, labels: bool = False) -> None:
        info = stores.packing.info
        self.stores, self.labels = stores, labels
        self.dtype = DTYPES[info.label_dtype if labels else info.dtype]
        self.shape = (len(stores.items), *(info.label_shape if labels else info.shape))

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """The number of bytes of all samples."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self, index: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Return the samples at positions, int64 ``[n]``; they are written to `out` if it is given."""
        out = torch.empty(len(index), *self.shape[1:], dtype=self.dtype) if out is None else out
        return self.stores.read(index, self.labels, out)


def choose_shard_size(packing: Packing, asked: int) -> int:
    """Return the number of samples in a shard; 0 if the dataset is packed into one store.

    Args:
        packing: The dataset that is to be packed.
        asked: ``dataset.shard``; 0 for shards of `SHARD_BYTES` where the samples have more than `MANY_BYTES`.
    """
    if asked:
        return asked
    info = packing.info
    sample = math.prod(info.shape) * DTYPES[info.dtype].itemsize
    return max(1, SHARD_BYTES // sample) if sample * len(packing.items) > MANY_BYTES else 0
