"""`svhn`: its original .mat files, of MATLAB's format 5, read by numpy alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.plugin import Corrupt, DataInfo
from ganzoo_datasets.bundles import read_bundle
from ganzoo_datasets.pixels import resize_planes
from ganzoo_datasets.places import find_data
from ganzoo_datasets.specs.batches import SvhnOptions, rgb_shape

FILE = "{}_32x32.mat"
WAYS = (
    f"download {FILE} from http://ufldl.stanford.edu/housenumbers/ and set dataset.path=FOLDER, or take it from the "
    "Hub: --dataset hub dataset.repo=ufldl-stanford/svhn dataset.config=cropped_digits"
)

# MATLAB's format 5: elements of a type and a number of bytes, padded to 8 bytes. An array is an element of elements:
# flags, sides, name, numbers (in the order of Fortran).
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATRIX, COMPRESSED, HEADER = 14, 15, 128
LARGEST = 1 << 32  # bytes of one array


class Svhn:
    """The digits: `data` uint8 ``[N, 3, size, size]``, `labels` int64 ``[N]``; MATLAB's class 10 is the digit 0.

    Netzer et al. 2011, format 2: cropped digits of 32x32 pixels.

    Args:
        options: The folder, part and size.

    Raises:
        NotFound: The file is not there.
        Corrupt: The file is damaged, or does not have the arrays X and y.
    """

    def __init__(self, options: SvhnOptions) -> None:
        name = FILE.format(options.split)
        content = find_data(
            "svhn",
            options.path,
            ("svhn", "data/svhn", "."),
            lambda place: _read_file(place, name),
            WAYS.format(options.split),
        )
        try:
            arrays = read_mat(content)
            images, labels = arrays["X"], arrays["y"].ravel()
            if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)) or not len(labels):
                raise ValueError(f"X is {images.dtype} {list(images.shape)}, and y has {len(labels)} labels")
            if not np.isin(labels, range(1, 11)).all():
                raise ValueError("y has labels that are not from 1 to 10")
        except (ValueError, KeyError, TypeError, struct.error, zlib.error) as error:
            raise Corrupt(f"{name!r} is not a whole file of SVHN ({error}): download it again") from error
        self.data = resize_planes(images.transpose(3, 2, 0, 1), options.size)
        self.labels: NDArray[np.int64] = labels.astype(np.int64) % 10
        self.info = DataInfo(shape=rgb_shape(options), num_classes=10, num_items=len(labels))


def _read_file(place: Path, name: str) -> bytes | None:
    if place.is_file():
        return place.read_bytes() if place.name == name else None
    files = read_bundle(place, (), (name,))
    return None if files is None else files[name]


def read_mat(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of numbers of a .mat file of MATLAB's format 5, by name.

    Raises:
        ValueError: The file is cut, or is not of this format.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[HEADER - 2 : HEADER])
    if order is None:
        raise ValueError("it does not have the header of MATLAB's format 5")
    arrays: dict[str, NDArray[Any]] = {}
    for kind, data in _list_elements(content[HEADER:], order):
        inner = [(kind, data)]
        if kind == COMPRESSED:
            inner = list(_list_elements(zlib.decompressobj().decompress(data, LARGEST), order))
        arrays |= dict(_read_array(data, order) for kind, data in inner if kind == MATRIX)
    return arrays


def _list_elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the bytes of each element."""
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from(f"{order}2I", content, at)
        start = at + 8
        if kind >> 16:  # a small element, within its own header
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        if start + size > len(content):
            raise ValueError("it is cut")
        yield kind, content[start : start + size]
        at = start + size if kind == COMPRESSED else (start + size + 7) // 8 * 8


def _read_array(content: bytes, order: str) -> tuple[str, NDArray[Any]]:
    """Return the name and the numbers of a matrix."""
    _, (_, sides), (_, name), (kind, numbers) = list(_list_elements(content, order))[:4]
    shape = np.frombuffer(sides, f"{order}i4").tolist()
    return name.decode("ascii"), np.frombuffer(numbers, order + TYPES[kind]).reshape(shape, order="F")


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write 20 images of ten classes to a .mat file, and return the options that open it."""
    rows = np.arange(20)
    images = (np.arange(32 * 32 * 3).reshape(32, 32, 3, 1) * (1 + rows) % 256).astype(np.uint8)
    header = b"MATLAB 5.0 MAT-file".ljust(HEADER - 4) + b"\0\1IM"
    arrays = _pack_array("X", images, 2) + _pack_array("y", (1 + rows[:, None] % 10).astype(np.uint8), 2)
    (folder / FILE.format("train")).write_bytes(header + arrays)
    return {"path": str(folder)}


def _pack_array(name: str, array: NDArray[Any], kind: int) -> bytes:
    parts = (
        (6, struct.pack("<2I", 9, 0)),  # flags: the class uint8
        (5, np.array(array.shape, "<i4").tobytes()),
        (1, name.encode()),
        (kind, array.tobytes(order="F")),
    )
    body = b"".join(struct.pack("<2I", kind, len(data)) + data + bytes(-len(data) % 8) for kind, data in parts)
    return struct.pack("<2I", MATRIX, len(body)) + body
