"""The packed store: samples that must be decoded are decoded once, later starts read them at memory speed.

``<cache>/KEY/`` holds ``data.npy`` (uint8 ``[N, *shape]``), ``labels.npy`` (int64 ``[N]``, where labelled) and
``store.json`` (format number, fingerprint of the items, what was skipped and why). A store is replaced as a whole or
not at all: it is written beside its place and renamed into it.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import secrets
import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ganzoo.errors import GanzooError
from ganzoo.plugin import Item

FORMAT = 1
PROGRESS_SECONDS = 10.0
ABANDONED_SECONDS = 3600.0
NUM_NAMED = 3  # skipped items that a message names

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Skipped:
    """An item that could not be decoded; `retry` where the cause was the machine's and not the content's."""

    index: int
    name: str
    reason: str
    retry: bool


@dataclass(frozen=True)
class Store:
    """What was packed.

    Args:
        data: uint8 ``[N, *shape]``, a read-only memory map, in the items' order.
        labels: int64 ``[N]``, or None where the dataset is unlabelled.
        skipped: The items that are not in it, in their order.
    """

    data: Images
    labels: npt.NDArray[np.int64] | None
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class Packing:
    """What is to be packed, and where.

    Args:
        name: The dataset's name, for messages.
        items: Its samples.
        shape: Of one sample.
        labelled: Whether items have labels.
        strict: Whether a broken item is an error.
        place: The store's directory.
        notify: Gets the lines that a person should see.
    """

    name: str
    items: Sequence[Item]
    shape: tuple[int, ...]
    labelled: bool
    strict: bool
    place: Path
    notify: Callable[[str], None]

    def fingerprint(self) -> str:
        """Return what changes when an item is added, removed, renamed, relabelled or changed (sha256, hexadecimal)."""
        digest = hashlib.sha256(f"{self.shape} {self.labelled}\n".encode())
        for item in self.items:
            digest.update(f"{item.name!a} {item.stamp!a} {item.label!a}\n".encode())
        return digest.hexdigest()


def cache_folder() -> Path:
    """Return where stores are kept: ``datasets`` in $GANZOO_CACHE, $XDG_CACHE_HOME/ganzoo or ~/.cache/ganzoo.

    Raises:
        GanzooError: Neither variable is set, and there is no home directory.
    """
    try:
        if own := os.environ.get("GANZOO_CACHE"):
            return Path(own).expanduser() / "datasets"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "ganzoo" / "datasets"
    except RuntimeError:
        raise GanzooError(
            "no home directory to cache datasets in: set GANZOO_CACHE to a folder with room that you can write to"
        ) from None


def open_store(packing: Packing) -> Store:
    """Return the store of what is to be packed: at once where it stands, else packed now.

    Raises:
        GanzooError: No items, none that can be decoded, a broken one where the dataset is strict, or a cache that
            cannot be written.
    """
    if not packing.items:
        raise GanzooError(f"dataset {packing.name!r} has no items: point it at data that is not empty")
    fingerprint = packing.fingerprint()
    store = _read(packing, fingerprint)
    if store is None or _recovered(packing, store):
        store = _pack(packing, fingerprint)
    if store.skipped and packing.strict:
        raise _strict_error(packing, store.skipped[0])
    if store.skipped:
        count = f"{len(store.skipped)} of {len(packing.items)}"
        packing.notify(f"skipped {count} files that could not be read: {_named(store.skipped)}")
    return store


# ----------------------------------------------------------------------------
# Reading.


def _read(packing: Packing, fingerprint: str) -> Store | None:
    """Return the store that stands, or None where there is none, it is of other items or it is damaged."""
    place = packing.place
    try:
        known = json.loads((place / "store.json").read_text(encoding="ascii"))
        if known["format"] != FORMAT or known["fingerprint"] != fingerprint:
            return None
        skipped = tuple(Skipped(**entry) for entry in known["skipped"])
        count = len(packing.items) - len(skipped)
        data = _mapped(place / "data.npy", (count, *packing.shape), np.uint8)
        labels = np.array(_mapped(place / "labels.npy", (count,), np.int64)) if packing.labelled else None
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return None
    return Store(data, labels, skipped)


def _mapped(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> npt.NDArray[Any]:
    """Return an array on its file; ValueError unless it has this shape and type and its file ends where it does."""
    array = np.lib.format.open_memmap(path, mode="r")
    if array.shape != shape or array.dtype != dtype or path.stat().st_size != array.offset + array.nbytes:
        raise ValueError(f"{path} is damaged")
    return array


def _recovered(packing: Packing, store: Store) -> bool:
    """Whether a file that was skipped can be read now though its stamp is the same (permissions, a failing disk).

    One is tried, so that a start from the cache stays fast.
    """
    for skipped in store.skipped:
        if skipped.retry or packing.strict:
            return not isinstance(_decode(packing.items[skipped.index], packing.shape), Exception)
    return False


# ----------------------------------------------------------------------------
# Packing.


def _pack(packing: Packing, fingerprint: str) -> Store:
    """Decode all items beside the store's place, then put the result there."""
    place = packing.place
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    try:
        _sweep(place)
        temporary.mkdir(parents=True)
        skipped = _write(packing, fingerprint, temporary)
        return _install(packing, fingerprint, temporary, len(skipped))
    except OSError as error:
        raise GanzooError(
            f"cannot write the packed dataset {packing.name!r} to {place.parent} ({error.strerror or error}): "
            "set GANZOO_CACHE to a folder with room that you can write to"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(packing: Packing, fingerprint: str, folder: Path) -> list[Skipped]:
    """Write a whole store into an empty folder and return what was skipped.

    Plain writes, not a memory map: on a full disk they raise, where a write through a map ends the process.
    """
    labels: list[int] = []
    skipped: list[Skipped] = []
    total, reported = len(packing.items), time.monotonic()
    with (folder / "data.npy").open("wb", buffering=1 << 20) as file, closing(_decoded(packing)) as results:
        _header(file, (total, *packing.shape))
        for index, (item, result) in enumerate(zip(packing.items, results, strict=True)):
            if isinstance(result, Exception):
                skipped.append(Skipped(index, item.name, _reason(result), _is_machines(result)))
                if packing.strict:
                    raise _strict_error(packing, skipped[0])
            else:
                file.write(result.data)
                labels.append(item.label or 0)
            if time.monotonic() - reported >= PROGRESS_SECONDS:
                packing.notify(f"packed {index + 1:,} of {total:,} images")
                reported = time.monotonic()
        if not labels:
            raise GanzooError(
                f"dataset {packing.name!r}: none of its {total} files could be read, {_named(skipped)}: "
                "give it files that are whole and of a kind that it reads"
            )
        file.seek(0)
        _header(file, (len(labels), *packing.shape))  # as long as the first: numpy pads for any count
        _sync(file)
    if packing.labelled:
        with (folder / "labels.npy").open("wb") as file:
            np.save(file, np.array(labels, dtype=np.int64))
            _sync(file)
    known = {"format": FORMAT, "fingerprint": fingerprint, "skipped": [asdict(entry) for entry in skipped]}
    with (folder / "store.json").open("wb") as file:
        file.write(json.dumps(known, indent=1).encode("ascii"))
        _sync(file)
    _sync_folder(folder)
    return skipped


def _decoded(packing: Packing) -> Generator[Images | Exception, None, None]:
    """Yield what each item decodes to, in order; several are decoded at once, a bounded number is held."""
    workers = os.cpu_count() or 1
    pool = ThreadPoolExecutor(workers)
    pending: deque[Future[Images | Exception]] = deque()
    try:
        for item in packing.items:
            pending.append(pool.submit(_decode, item, packing.shape))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(item: Item, shape: tuple[int, ...]) -> Images | Exception:
    """Return the item's array, or what is wrong with it."""
    try:
        array = np.asarray(item.load())
        if array.shape != shape or array.dtype != np.uint8:
            raise ValueError(f"decoded to {array.dtype} {array.shape}, expected uint8 {shape}")
        return np.ascontiguousarray(array)
    except Exception as error:
        return error


def _header(file: IO[bytes], shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make renames in a folder outlive a power cut; Windows can neither open folders nor needs to."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ----------------------------------------------------------------------------
# Putting it into place. Several processes may pack the same at once: whoever comes first wins, the others read that.


def _install(packing: Packing, fingerprint: str, temporary: Path, num_skipped: int) -> Store:
    """Put a finished store into its place, unless one as good stands there by now, and return the one that stands."""
    for _ in range(100):
        store = _read(packing, fingerprint)
        if store is not None and len(store.skipped) <= num_skipped:
            return store
        if temporary.exists():
            _swap(temporary, packing.place)
        else:
            time.sleep(0.05)  # another process is between its two renames
    raise GanzooError(f"another process packed dataset {packing.name!r} from other files at the same time: start again")


def _swap(temporary: Path, place: Path) -> None:
    """Rename a folder into its place; what was there is removed, or comes back where that fails."""
    aside = temporary.with_name(temporary.name + ".old")
    try:
        with suppress(FileNotFoundError):
            place.rename(aside)
        temporary.rename(place)
        _sync_folder(place.parent)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # these: another process was faster
            raise
    finally:
        if aside.exists() and not place.exists():
            aside.rename(place)
        shutil.rmtree(aside, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what killed packings left behind: nothing was written to it for an hour."""
    for folder in place.parent.glob(f".{glob.escape(place.name)}.*"):
        with suppress(OSError):
            written = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
            if time.time() - written > ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


# ----------------------------------------------------------------------------
# Words.


def _reason(error: Exception) -> str:
    """Return an error's text on one line that is not too long."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200] or type(error).__name__


def _is_machines(error: Exception) -> bool:
    """Whether an error says nothing about the file's content: Pillow's own OSErrors have no errno."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None)


def _named(skipped: Sequence[Skipped]) -> str:
    """Return the first few with their reasons; names that are not valid text are made so."""
    words = [f"{' '.join(entry.name.split())} ({entry.reason})" for entry in skipped[:NUM_NAMED]]
    if len(skipped) > NUM_NAMED:
        words.append(f"... ({len(skipped) - NUM_NAMED} more)")
    return ", ".join(words).encode(errors="replace").decode()


def _strict_error(packing: Packing, skipped: Skipped) -> GanzooError:
    return GanzooError(
        f"dataset {packing.name!r} cannot read {_named([skipped])}: remove the file or set dataset.strict=false"
    )
