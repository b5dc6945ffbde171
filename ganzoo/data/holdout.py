"""The held-out part of a dataset: samples that are not trained on, so that a model can be judged against them.

Whether a sample is held out depends on its own bytes alone. So added samples move no other across, copies of a sample
are on the same side, and all processes agree.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ganzoo.data.arrays import share_memory
from ganzoo.data.shards import Shards
from ganzoo.data.source import ArraySource, Source
from ganzoo.data.store import Store
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin.files import write_atomic

Digests = npt.NDArray[np.uint64]
CHUNK = 1024  # samples that one thread hashes at a time


class Parts(NamedTuple):
    """The samples that are trained on, and those that are held out; None where nothing is held out."""

    training: Source
    held_out: Source | None


def split_by_content(source: ArraySource, share: float) -> tuple[ArraySource, ArraySource]:
    """Divide the samples of a source by their content; return those to train on, and those that are held out.

    Both are views: they share the samples' memory. A sample is held out if its digest, a number from 0 to 2^64, is
    less than ``share * 2^64``. So a larger share holds out the same samples and more.

    Args:
        source: The source that is divided.
        share: The expected share of held-out samples, above 0 and below 1.

    Raises:
        UsageError: One of the parts would be empty.
    """
    held = find_digests(source) < np.uint64(share * 2.0**64)
    if not held.any() or held.all():
        part, way_out = ("no sample", "a larger") if not held.any() else ("every sample", "a smaller")
        raise UsageError(
            f"dataset.holdout={share:g} holds out {part} of the {len(source)}, because their content decides: give "
            f"{way_out} share"
        )
    return _select(source, ~held), _select(source, held)


def remove_copies(source: ArraySource, held_out: ArraySource) -> ArraySource:
    """Return the samples of a source that a held-out source does not have.

    Raises:
        UsageError: The held-out source has all of them.
    """
    copies = np.isin(find_digests(source), find_digests(held_out))
    if copies.all():
        raise UsageError("dataset.holdout has all samples of the dataset, so none is left to train on: hold out others")
    return _select(source, ~copies) if copies.any() else source


def _select(source: ArraySource, chosen: npt.NDArray[np.bool_]) -> ArraySource:
    return source.select(torch.from_numpy(np.flatnonzero(chosen)))


# ----------------------------------------------------------------------------
# Digests.


def find_digests(source: ArraySource) -> Digests:
    """Return a digest of each sample's bytes, uint64 ``[N]``; those of a packed store are computed once and kept.

    Equal samples have equal digests. Two different samples have the same one with a probability of 2^-64.
    """
    if isinstance(source.data, Shards):
        digests = source.data.stores.gather_digests(_find_store_digests)
    else:
        digests = hash_each(source.data) if source.store is None else _find_store_digests(source.store)
    return digests if source.index is None else digests[source.index.cpu().numpy()]


def _find_store_digests(store: Store) -> Digests:
    """Return the digests of a store's samples. The name of their file has its content: the store may be replaced."""
    path = store.directory / f"digests-{store.content[:16]}.npy"
    digests = _read_digests(path, len(store.data))
    if digests is None:
        store.check()
        digests = hash_each(share_memory(store.data))
        with suppress(GanzooError):  # without it, the next start computes them again
            _write_digests(path, digests)
    return digests


def hash_each(data: torch.Tensor) -> Digests:
    """Return the first 8 bytes of the SHA-256 of each sample of ``[N, ...]``, as uint64 ``[N]``."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        chunks = pool.map(lambda chunk: b"".join(_hash_chunk(chunk)), torch.split(data, CHUNK))
        return np.frombuffer(b"".join(chunks), ">u8").astype(np.uint64)


def _hash_chunk(chunk: torch.Tensor) -> Iterator[bytes]:
    samples = chunk.cpu().contiguous().flatten(1).view(torch.uint8).numpy()
    for sample in samples:
        yield hashlib.sha256(sample.data).digest()[:8]


def _read_digests(path: Path, num: int) -> Digests | None:
    """Return the digests in a file; None where it is missing or damaged."""
    try:
        digests = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return digests if digests.shape == (num,) and digests.dtype == np.uint64 else None


def _write_digests(path: Path, digests: Digests) -> None:
    buffer = io.BytesIO()
    np.save(buffer, digests)
    write_atomic(path, [buffer.getvalue()])
