"""The packed store: samples that must be decoded are decoded once, and later runs read them from a memory map.

``<cache>/KEY/`` holds ``data.npy`` (``[N, *shape]`` of the info's dtype), ``labels.npy`` (where labelled: int64
``[N]``, or ``[N, *label_shape]`` of the label's dtype) and ``store.json`` (format number, title, fingerprint of the
items, SHA-256 of samples and labels, the skipped items and the reasons). Its time of change is when the store was last
used. A store is replaced as a whole or not at all: it is written to a temporary folder, which is then renamed.
"""

from __future__ import annotations

import errno
import glob
import json
import mmap
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganzoo.data.packing import (
    FORMAT,
    Array,
    Packing,
    Skipped,
    decode,
    make_strict_error,
    sync_folder,
    write_store,
)
from ganzoo.data.turns import taken_turn
from ganzoo.errors import GanzooError
from ganzoo.runs.cache import is_abandoned


@dataclass(frozen=True)
class Store:
    """A packed dataset.

    Args:
        data: The samples ``[N, *shape]`` in the items' order, as a read-only memory map.
        labels: Classes as int64 ``[N]``; other labels ``[N, *label_shape]`` as a read-only memory map; None where the
            dataset is unlabelled.
        skipped: The items that could not be decoded, in their order.
        content: The SHA-256 of samples and labels, in hexadecimal.
        directory: The folder of the store.
    """

    data: Array
    labels: Array | None
    skipped: tuple[Skipped, ...]
    content: str
    directory: Path

    def check(self) -> None:
        """Raise GanzooError if a mapped file was cut short. The system ends a process that reads beyond its end.

        A file that was removed is whole for the processes that have mapped it.
        """
        for array in (self.data, self.labels):
            file = array.base if isinstance(array, np.memmap) else None
            if array is not None and isinstance(file, mmap.mmap) and file.size() < array.offset + array.nbytes:
                raise GanzooError(
                    f"the packed dataset in {self.directory} was changed by another program while it was read: start "
                    "again; it is packed again then"
                )


def open_store(packing: Packing) -> Store:
    """Return a dataset's store; pack the dataset first where it has no current store.

    Raises:
        GanzooError: The dataset has no items, none of them can be decoded, one of them is broken and the dataset is
            strict, or the cache cannot be written.
    """
    if not packing.items:
        raise GanzooError(f"dataset {packing.name!r} has no items: point it at data that is not empty")
    fingerprint = packing.compute_fingerprint()
    store = read_store(packing, fingerprint)
    if _read_manifest(packing.directory).get("format", FORMAT) != FORMAT:
        packing.notify(f"dataset {packing.name!r} was packed by another version of ganzoo: it is packed again")
    if store is None or _can_read_skipped(packing, store):
        store = _pack_in_turn(packing, fingerprint)
    if store.skipped and packing.strict:
        raise make_strict_error(packing, store.skipped[0])
    with suppress(OSError):
        os.utime(packing.directory / "store.json")  # it was used now
    return store


# ----------------------------------------------------------------------------
# Reading.


def _read_manifest(directory: Path) -> Mapping[str, Any]:
    """Return the content of ``store.json``; an empty mapping where it cannot be read."""
    try:
        manifest = json.loads((directory / "store.json").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def read_store(packing: Packing, fingerprint: str) -> Store | None:
    """Return the store in a dataset's directory; None where it is missing, damaged or packed from other items."""
    directory = packing.directory
    try:
        manifest = _read_manifest(directory)
        if manifest["format"] != FORMAT or manifest["fingerprint"] != fingerprint:
            return None
        skipped = tuple(Skipped(**entry) for entry in manifest["skipped"])
        content, count = str(manifest["content"]), len(packing.items) - len(skipped)
        data = _map_array(directory / "data.npy", packing.info.dtype, (count, *packing.info.shape))
        labels = None
        if packing.labels is not None:
            dtype, shape = packing.labels
            labels = _map_array(directory / "labels.npy", dtype, (count, *shape))
            labels = labels if shape else np.array(labels)  # classes are few bytes
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return None
    return Store(data, labels, skipped, content, directory)


def _map_array(path: Path, dtype: str, shape: tuple[int, ...]) -> Array:
    """Return a file's array as a memory map; raise ValueError where its shape, its dtype or the file size is wrong."""
    array = np.lib.format.open_memmap(path, mode="r")
    if array.shape != shape or array.dtype != dtype or path.stat().st_size != array.offset + array.nbytes:
        raise ValueError(f"{path} is damaged")
    return array


def _can_read_skipped(packing: Packing, store: Store) -> bool:
    """Whether a skipped file can be read now although its stamp did not change (permissions, a failing disk).

    Only the first file of each reason is tried, so that a start from the cache stays fast.
    """
    tried = {entry.reason: entry for entry in reversed(store.skipped) if entry.retry or packing.strict}
    items = (packing.items[entry.index] for entry in tried.values())
    return any(not isinstance(decode(item, packing.info), Exception) for item in items)


# ----------------------------------------------------------------------------
# Packing.


def _pack_in_turn(packing: Packing, fingerprint: str) -> Store:
    """Pack a dataset, unless another process of this machine packs it now: then wait for it, and read its store."""
    directory = packing.directory

    def report() -> None:
        packing.notify(f"another process packs dataset {packing.name!r}: waiting for it")

    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with taken_turn(directory.with_name(f".{directory.name}.lock"), report):
            store = read_store(packing, fingerprint)  # another process may have packed since the last look
            return _pack(packing, fingerprint) if store is None or _can_read_skipped(packing, store) else store
    except OSError as error:
        raise GanzooError(
            f"cannot write the packed dataset {packing.name!r} to {directory.parent} ({error.strerror or error}): "
            "set GANZOO_CACHE to a folder that you can write to and that has room"
        ) from error


def _pack(packing: Packing, fingerprint: str) -> Store:
    """Decode all items into a temporary folder, then install it as the store."""
    directory = packing.directory
    temporary = directory.with_name(f".{directory.name}.{secrets.token_hex(8)}")
    try:
        _remove_abandoned(directory)
        temporary.mkdir()
        skipped = write_store(packing, fingerprint, temporary)
        return _install(packing, fingerprint, temporary, len(skipped))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


# ----------------------------------------------------------------------------
# Installing. Several processes may pack the same dataset at once: the first one wins, the others read its store.


def _install(packing: Packing, fingerprint: str, temporary: Path, num_skipped: int) -> Store:
    """Install a finished store, unless another process installed one that is as good; return the installed store."""
    for _ in range(100):
        store = read_store(packing, fingerprint)
        if store is not None and len(store.skipped) <= num_skipped:
            return store
        if temporary.exists():
            _replace_store(temporary, packing.directory)
        else:
            time.sleep(0.05)  # another process is between its two renames
    raise GanzooError(f"another process packed dataset {packing.name!r} from other files at the same time: start again")


def _replace_store(temporary: Path, directory: Path) -> None:
    """Rename a folder to the store's directory. The old one is removed, or restored if that fails."""
    aside = temporary.with_name(temporary.name + ".old")
    try:
        with suppress(FileNotFoundError):
            directory.rename(aside)
        temporary.rename(directory)
        sync_folder(directory.parent)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # these: another process was faster
            raise
    finally:
        if aside.exists() and not directory.exists():
            aside.rename(directory)
        shutil.rmtree(aside, ignore_errors=True)


def _remove_abandoned(directory: Path) -> None:
    """Remove temporary folders of killed processes."""
    for folder in directory.parent.glob(f".{glob.escape(directory.name)}.*"):
        if is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
