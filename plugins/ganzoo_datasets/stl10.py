"""`stl10`: its original binary files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganzoo.plugin import Corrupt, DataInfo, Item
from ganzoo_datasets.listing import open_file
from ganzoo_datasets.pixels import Pixels, resize_planes
from ganzoo_datasets.places import find_data
from ganzoo_datasets.specs.batches import Stl10Options, rgb_shape

CLASSES = ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"]
SIDE = 96
IMAGE = 3 * SIDE * SIDE  # bytes
WAYS = (
    "download stl10_binary.tar.gz from https://cs.stanford.edu/~acoates/stl10/, unpack it, and set dataset.path=FOLDER"
)


class Stl10:
    """The images, which are read and resized one by one; labels are classes, or there are none.

    Coates, Ng & Lee 2011. An image of the files has its three planes in the order of Fortran: columns, then rows.

    Args:
        options: The folder, part and size.

    Raises:
        NotFound: The files are not there.
        Corrupt: A file is cut, or does not fit to its labels.
    """

    def __init__(self, options: Stl10Options) -> None:
        self._images = find_data(
            "stl10", options.path, ("stl10_binary", "data/stl10_binary"), partial(_find_images, options.split), WAYS
        )
        size = self._images.stat().st_size
        if not size or size % IMAGE:
            raise Corrupt(f"{str(self._images)!r} does not have whole images of 96x96 pixels: unpack it again")
        labels = self._images.with_name(f"{options.split}_y.bin")
        self._labels = _read_labels(labels, size // IMAGE) if options.split != "unlabeled" else None
        self._size = options.size
        num_classes, meta = (0, {}) if self._labels is None else (10, {"classes": CLASSES})
        self.info = DataInfo(shape=rgb_shape(options), num_classes=num_classes, num_items=size // IMAGE, meta=meta)

    def items(self) -> list[Item]:
        """Return an item for each image."""
        stamp = open_file(self._images, self._images).stamp
        return [
            Item(
                name=f"{self._images.name} {number}",
                load=partial(_read_image, self._images, number, self._size),
                label=None if self._labels is None else self._labels[number],
                stamp=f"{stamp} {number}",
            )
            for number in range(self.info.num_items or 0)
        ]


def _find_images(split: str, place: Path) -> Path | None:
    """Return the file of the images of a part, if its labels are beside it; None if it is not in this place."""
    for folder in (place, place / "stl10_binary"):
        files = [folder / f"{split}_X.bin", folder / f"{split}_y.bin"]
        if all(file.is_file() for file in files[: 1 if split == "unlabeled" else 2]):
            return files[0]
    return None


def _read_image(path: Path, number: int, size: int) -> Pixels:
    """Read an image of a file and return it as ``[3, size, size]``."""
    with path.open("rb") as file:
        file.seek(number * IMAGE)
        pixels = np.frombuffer(file.read(IMAGE), np.uint8)
    image: Pixels = resize_planes(pixels.reshape(1, 3, SIDE, SIDE).transpose(0, 1, 3, 2), size)[0]
    return image


def _read_labels(path: Path, count: int) -> list[int]:
    labels = [number - 1 for number in path.read_bytes()]
    if len(labels) != count or not set(labels) <= set(range(10)):
        raise Corrupt(f"{str(path)!r} does not have {count} labels from 1 to 10: unpack it again")
    return labels


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write eight images without labels to a binary file, and return the options that open it."""
    pixels = np.arange(8)[:, None] * np.arange(3 * SIDE * SIDE) // 97 % 256
    (folder / "unlabeled_X.bin").write_bytes(pixels.astype(np.uint8).tobytes())
    return {"path": str(folder), "size": 32}
