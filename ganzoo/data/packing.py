"""Packing a dataset: its items are decoded in parallel, checked, and written one after the other."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ganzoo.errors import GanzooError, NotFound
from ganzoo.plugin import DataInfo, Item
from ganzoo.runs.words import describe_packing

FORMAT = 3
LINE_SECONDS = 10.0  # between two lines on how far the packing is
PROGRESS_SECONDS = 0.1  # between two calls of a function that rewrites such a line
MOST_VANISHED = 0.1  # a larger share of files that were listed and are gone means that their disk or folder is gone
GONE = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ESTALE,
    errno.EIO,
    errno.ENODEV,
    errno.ENXIO,
    errno.ENOTCONN,
    errno.EHOSTDOWN,
)
NUM_NAMED = 3  # a message names at most this many reasons why items were skipped

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Skipped:
    """An item that could not be decoded; `retry` is true where the machine was the cause, and not the content."""

    index: int
    name: str
    reason: str
    retry: bool


@dataclass(frozen=True)
class Packing:
    """A dataset that is packed, and the directory of its store.

    Args:
        name: The dataset's name, for messages.
        items: The dataset's samples, which are not decoded yet.
        info: Shapes and dtypes of the samples and of their labels.
        strict: Whether a broken item is an error.
        directory: The directory that the store is written to.
        notify: A function that shows one line to the user.
        title: The dataset and its options in words, for `ganzoo cache`.
        progress: A function that shows how far the packing is, in words and as a share from 0 to 1, in place of what it
            showed before. None: `notify` gets a line every ten seconds.
        whole: Whether the items are the whole dataset. All items of a part of it may be broken.
    """

    name: str
    items: Sequence[Item]
    info: DataInfo
    strict: bool
    directory: Path
    notify: Callable[[str], None]
    title: str = ""
    progress: Callable[[str, float], None] | None = None
    whole: bool = True

    def compute_fingerprint(self) -> str:
        """Return a SHA-256 (hexadecimal) that changes with any item's name, content, label or position."""
        info = self.info
        digest = hashlib.sha256(f"{info.shape} {info.dtype} {self.labels}\n".encode())
        for item in self.items:
            digest.update(f"{item.name!a} {item.stamp!a} {item.label!a}\n".encode())
        return digest.hexdigest()

    @property
    def labels(self) -> tuple[str, tuple[int, ...]] | None:
        """Dtype and shape of one stored label; None where the dataset is unlabelled."""
        if self.info.label_shape:
            return self.info.label_dtype, self.info.label_shape
        return ("int64", ()) if self.info.num_classes else None


class Decoded(NamedTuple):
    """An item's array, and its label where the label is an array."""

    data: Array
    target: Array | None


# ----------------------------------------------------------------------------
# Writing.


def write_store(packing: Packing, fingerprint: str, folder: Path) -> list[Skipped]:
    """Write a whole store into an empty folder and return the skipped items.

    The files are written with plain writes, not through a memory map: on a full disk a plain write raises an error,
    and a write through a map ends the process.
    """
    info, labels, skipped, content = packing.info, packing.labels, list[Skipped](), hashlib.sha256()
    total, packed, gone, report = len(packing.items), 0, 0, _make_report(packing)
    with ExitStack() as stack:
        parts: dict[str, tuple[str, tuple[int, ...]]] = {"data": (info.dtype, info.shape)}
        if labels is not None:
            parts["labels"] = labels
        files = [
            (stack.enter_context((folder / f"{name}.npy").open("wb", buffering=1 << 20)), *part)
            for name, part in parts.items()
        ]
        for file, dtype, shape in files:
            _write_header(file, dtype, (total, *shape))
        results = stack.enter_context(closing(_decode_all(packing)))
        for index, (item, result) in enumerate(zip(packing.items, results, strict=True)):
            if isinstance(result, Exception):
                skipped.append(Skipped(index, item.name, describe_error(result), _is_machine_error(result)))
                gone += bool(item.stamp) and isinstance(result, OSError) and result.errno in GONE
                if packing.strict:
                    raise make_strict_error(packing, skipped[0])
            else:
                label = np.array(item.label or 0, dtype=np.int64) if result.target is None else result.target
                for (file, *_), array in zip(files, (result.data, label), strict=False):
                    file.write(array.data)
                    content.update(array.data)
                packed += 1
            report(index + 1)
        if gone > MOST_VANISHED * total:
            raise NotFound(
                f"dataset {packing.name!r}: {gone} of its {total} files vanished while it was packed, "
                f"{describe_skipped(skipped)}: bring them back and start again"
            )
        if not packed and packing.whole:
            raise make_unreadable_error(packing.name, total, skipped)
        for file, dtype, shape in files:
            file.seek(0)
            _write_header(
                file, dtype, (packed, *shape)
            )  # the same length as the first header: numpy pads it for any count
            sync_file(file)
    manifest = {
        "format": FORMAT,
        "title": packing.title,
        "fingerprint": fingerprint,
        "content": content.hexdigest(),
        "skipped": [asdict(entry) for entry in skipped],
    }
    with (folder / "store.json").open("wb") as file:
        file.write(json.dumps(manifest, indent=1).encode("ascii"))
        sync_file(file)
    sync_folder(folder)
    return skipped


def _make_report(packing: Packing) -> Callable[[int], None]:
    """Return a function that is called with the number of packed samples, and shows it from time to time."""
    total, started = len(packing.items), time.monotonic()
    wait, last = (LINE_SECONDS if packing.progress is None else PROGRESS_SECONDS), started

    def report(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= wait or (done == total and last > started):
            last, line = now, describe_packing(done, total, now - started)
            packing.notify(line) if packing.progress is None else packing.progress(line, done / total)

    return report


def _write_header(file: IO[bytes], dtype: str, shape: tuple[int, ...]) -> None:
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def sync_file(file: IO[bytes]) -> None:
    """Write a file's bytes to the disk, so that they survive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Write a folder's renames to the disk, so that they survive a power cut. Windows cannot, and need not, do this."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ----------------------------------------------------------------------------
# Decoding.


def _decode_all(packing: Packing) -> Generator[Decoded | Exception, None, None]:
    """Yield each item's result in order. Several items are decoded at once, and a limited number of results is held."""
    workers = os.cpu_count() or 1
    pool = ThreadPoolExecutor(workers)
    pending: deque[Future[Decoded | Exception]] = deque()
    try:
        for item in packing.items:
            pending.append(pool.submit(decode, item, packing.info))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def decode(item: Item, info: DataInfo) -> Decoded | Exception:
    """Return the item's arrays, or the error that decoding it raised."""
    image = info.modality == "image"
    try:
        data = _check_array(item.load(), "decoded", info.dtype, info.shape, image)
        if not info.label_shape:
            return Decoded(data, None)
        if item.target is None:
            raise ValueError("it has no target")
        image = info.labels_are_images
        return Decoded(
            data, _check_array(item.target(), "its target decoded", info.label_dtype, info.label_shape, image)
        )
    except Exception as error:
        return error


def _check_array(value: Any, what: str, dtype: str, shape: tuple[int, ...], image: bool) -> Array:
    """Return a value as an array; raise ValueError where it does not match the dataset's info."""
    array = np.asarray(value)
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"{what} to {array.dtype} {array.shape}, expected {dtype} {shape}")
    if dtype == "float32":
        low, high = float(array.min()), float(array.max())
        bound = 1.0 if image else np.finfo(np.float32).max
        if not -bound <= low <= high <= bound:  # false for NaN
            wrong = "beyond -1 to 1" if image else "not finite"
            raise ValueError(f"{what} to numbers from {low:g} to {high:g}, which are {wrong}")
    return np.ascontiguousarray(array)


# ----------------------------------------------------------------------------
# Messages.


def describe_error(error: Exception) -> str:
    """Return an error's text on one line of at most 200 characters."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200] or type(error).__name__


def _is_machine_error(error: Exception) -> bool:
    """Whether the machine caused an error, and not the file's content: Pillow's own OSErrors have no errno."""
    return isinstance(error, (MemoryError, ImportError)) or (isinstance(error, OSError) and error.errno is not None)


def describe_skipped(skipped: Sequence[Skipped]) -> str:
    """Return the first few reasons why items were skipped, each with its first item and the number of the others."""
    by_reason: dict[str, list[str]] = {}
    for entry in skipped:
        by_reason.setdefault(entry.reason, []).append(" ".join(entry.name.split()))
    parts, left = [], len(skipped)
    for reason, names in list(by_reason.items())[:NUM_NAMED]:
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        parts.append(f"{names[0]}{others} ({reason})")
        left -= len(names)
    return replace_surrogates(", ".join([*parts, f"... ({left} more)"] if left else parts))


def replace_surrogates(text: str) -> str:
    """Return a text in which bytes of file names that are not text are replaced."""
    return text.encode(errors="replace").decode()


def make_unreadable_error(name: str, total: int, skipped: Sequence[Skipped]) -> GanzooError:
    """Return the error for a dataset of which no item can be decoded."""
    return GanzooError(
        f"dataset {name!r}: none of its {total} files could be read, {describe_skipped(skipped)}: "
        "give it files that are complete and of a kind that it reads"
    )


def make_strict_error(packing: Packing, skipped: Skipped) -> GanzooError:
    """Return the error that a strict dataset raises for a broken item."""
    return GanzooError(
        f"dataset {packing.name!r} cannot read {describe_skipped([skipped])}: remove the file, or set "
        "dataset.strict=false to skip it"
    )
