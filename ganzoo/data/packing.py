"""What is packed, and writing it: items are decoded in parallel, checked, and written one behind the other."""

from __future__ import annotations

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

from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Item

FORMAT = 2
PROGRESS_SECONDS = 10.0
NUM_NAMED = 3  # skipped items that a message names

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Skipped:
    """An item that could not be decoded; `retry` where the cause was the machine's and not the content's."""

    index: int
    name: str
    reason: str
    retry: bool


@dataclass(frozen=True)
class Packing:
    """What is to be packed, and where.

    Args:
        name: The dataset's name, for messages.
        items: Its samples.
        info: What they are: shapes and dtypes of samples and labels.
        strict: Whether a broken item is an error.
        directory: The store's directory.
        notify: Gets the lines that a person should see.
    """

    name: str
    items: Sequence[Item]
    info: DataInfo
    strict: bool
    directory: Path
    notify: Callable[[str], None]

    def fingerprint(self) -> str:
        """Return what changes when an item is added, removed, renamed, relabelled or changed (sha256, hexadecimal)."""
        info = self.info
        digest = hashlib.sha256(f"{info.shape} {info.dtype} {self.labels}\n".encode())
        for item in self.items:
            digest.update(f"{item.name!a} {item.stamp!a} {item.label!a}\n".encode())
        return digest.hexdigest()

    @property
    def labels(self) -> tuple[str, tuple[int, ...]] | None:
        """Dtype and shape of one label as it is stored; None where there are none."""
        if self.info.label_shape:
            return self.info.label_dtype, self.info.label_shape
        return ("int64", ()) if self.info.num_classes else None


class Decoded(NamedTuple):
    """An item's array, and its label where that is an array."""

    data: Array
    target: Array | None


# ----------------------------------------------------------------------------
# Writing.


def write(packing: Packing, fingerprint: str, folder: Path) -> list[Skipped]:
    """Write a whole store into an empty folder and return what was skipped.

    Plain writes, not a memory map: on a full disk they raise, where a write through a map ends the process.
    """
    info, labels, skipped = packing.info, packing.labels, list[Skipped]()
    total, packed, reported = len(packing.items), 0, time.monotonic()
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
                skipped.append(Skipped(index, item.name, _describe_error(result), _is_machine_error(result)))
                if packing.strict:
                    raise make_strict_error(packing, skipped[0])
            else:
                label = np.array(item.label or 0, dtype=np.int64) if result.target is None else result.target
                for (file, *_), array in zip(files, (result.data, label), strict=False):
                    file.write(array.data)
                packed += 1
            if time.monotonic() - reported >= PROGRESS_SECONDS:
                packing.notify(f"packed {index + 1:,} of {total:,} samples")
                reported = time.monotonic()
        if not packed:
            raise GanzooError(
                f"dataset {packing.name!r}: none of its {total} files could be read, {describe_skipped(skipped)}: "
                "give it files that are whole and of a kind that it reads"
            )
        for file, dtype, shape in files:
            file.seek(0)
            _write_header(file, dtype, (packed, *shape))  # as long as the first: numpy pads for any count
            sync(file)
    known = {"format": FORMAT, "fingerprint": fingerprint, "skipped": [asdict(entry) for entry in skipped]}
    with (folder / "store.json").open("wb") as file:
        file.write(json.dumps(known, indent=1).encode("ascii"))
        sync(file)
    sync_folder(folder)
    return skipped


def _write_header(file: IO[bytes], dtype: str, shape: tuple[int, ...]) -> None:
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def sync(file: IO[bytes]) -> None:
    """Make what was written to a file outlive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames in a folder outlive a power cut; Windows can neither open folders nor needs to."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ----------------------------------------------------------------------------
# Decoding.


def _decode_all(packing: Packing) -> Generator[Decoded | Exception, None, None]:
    """Yield what each item decodes to, in order; several are decoded at once, a bounded number is held."""
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
    """Return the item's arrays, or what is wrong with them."""
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
    """Return an array if it is what the info says; ValueError if not."""
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
# Words.


def _describe_error(error: Exception) -> str:
    """Return an error's text on one line that is not too long."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200] or type(error).__name__


def _is_machine_error(error: Exception) -> bool:
    """Whether an error says nothing about the file's content: Pillow's own OSErrors have no errno."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None)


def describe_skipped(skipped: Sequence[Skipped]) -> str:
    """Return the first few with their reasons; names that are not valid text are made so."""
    words = [f"{' '.join(entry.name.split())} ({entry.reason})" for entry in skipped[:NUM_NAMED]]
    if len(skipped) > NUM_NAMED:
        words.append(f"... ({len(skipped) - NUM_NAMED} more)")
    return ", ".join(words).encode(errors="replace").decode()


def make_strict_error(packing: Packing, skipped: Skipped) -> GanzooError:
    """Return the error of a strict dataset."""
    return GanzooError(
        f"dataset {packing.name!r} cannot read {describe_skipped([skipped])}: remove the file, or set "
        "dataset.strict=false to skip it"
    )
