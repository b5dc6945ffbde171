"""`npz`: arrays of numpy. Pickled objects in them are refused."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.plugin import Corrupt, DataInfo, NotFound, UsageError
from ganzoo_datasets.pixels import resize_images
from ganzoo_datasets.specs.arrays import ArraysOptions

SAMPLES = ("samples", "images", "data", "x", "x_train", "arr_0")
LABELS = ("labels", "y", "y_train", "targets", "classes", "arr_1")
MOST_CLASSES = 1 << 20
Array = NDArray[Any]


class Arrays:
    """Arrays as samples: `data` ``[N, ...]`` and `labels` ``[N, ...]`` or None.

    Images are bytes, or floats from -1 to 1; floats from 0 to 1, and floats or whole numbers from 0 to 255, are
    converted to bytes. Arrays ``[N, D]`` are points. Labels that are whole numbers ``[N]`` are classes.

    Args:
        options: The file, the names of its arrays, and how images lie in them.

    Raises:
        NotFound: The file does not exist.
        UsageError: An array is missing or has a wrong shape or range.
        Corrupt: The file is damaged, or has pickled objects.
    """

    def __init__(self, options: ArraysOptions) -> None:
        if not options.path:
            raise UsageError("dataset 'npz' needs a file of arrays: add --dataset FILE.npz")
        arrays = _read_arrays(os.path.expanduser(options.path))
        name = _find_array(arrays, options.samples, SAMPLES, "samples")
        samples = arrays[name]
        self.labels: Array | None = None
        if options.labels != "none" and (options.labels or any(each in arrays for each in LABELS)):
            self.labels = arrays[_find_array(arrays, options.labels, LABELS, "labels")]
        if samples.ndim == 2:
            _require_numbers(samples, name)
            self.data, modality = samples.astype(np.float32), "points"
        else:
            self.data, modality = _arrange(_convert(samples, name), name, options), "image"
        if not len(self.data) or (self.data.dtype == np.float32 and not np.isfinite(self.data).all()):
            raise UsageError(f"{name!r} in {options.path} is empty or has numbers that are not finite: mend the file")
        self.info = self._describe(name, modality, options.path)

    def _describe(self, name: str, modality: Any, path: str) -> DataInfo:
        labels, shape = self.labels, self.data.shape[1:]
        dtype: Any = str(self.data.dtype)
        if labels is None:
            return DataInfo(shape=shape, dtype=dtype, num_items=len(self.data), modality=modality)
        if labels.ndim == 2 and labels.shape[1] == 1 and labels.dtype.kind in "iu":
            self.labels = labels = labels[:, 0]
        num = len(labels) if labels.ndim else 0
        if num != len(self.data):
            raise UsageError(f"{path} has {len(self.data)} samples in {name!r} and {num} labels: mend the file")
        if labels.ndim > 1:
            _require_numbers(labels, "labels")
            self.labels = labels.astype(np.float32)
            label_shape = labels.shape[1:]
            return DataInfo(shape=shape, dtype=dtype, num_items=len(labels), modality=modality, label_shape=label_shape)
        if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= MOST_CLASSES:
            raise UsageError(
                f"the labels in {path} are not whole numbers from 0, below {MOST_CLASSES:,}: number the classes, or "
                "set dataset.labels=none"
            )
        self.labels = labels.astype(np.int64)
        classes = int(labels.max()) + 1
        return DataInfo(shape=shape, dtype=dtype, num_items=len(labels), modality=modality, num_classes=classes)


def _read_arrays(path: str) -> Mapping[str, Array]:
    """Return the arrays of a file by name; of a .npy, which stays on the disk, the name is ``samples``."""
    if not os.path.isfile(path):
        raise NotFound(f"dataset.path: {path!r} does not exist or is not a file: give a .npz or .npy file")
    try:
        if path.lower().endswith(".npy"):
            return {"samples": np.load(path, mmap_mode="r", allow_pickle=False)}
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (
        ValueError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        AttributeError,
        TypeError,
        MemoryError,
    ) as error:
        words = " ".join(str(error).split())[:120]
        raise Corrupt(
            f"{path!r} is damaged, or has objects that are not arrays, or is too large ({words}): save it anew"
        ) from error


def _find_array(arrays: Mapping[str, Array], asked: str, usual: tuple[str, ...], key: str) -> str:
    """Return the name of an array: the one that was asked for, one of the usual ones, or that of the only array."""
    name = asked or next((name for name in usual if name in arrays), "")
    if not name and len(arrays) == 1:
        return next(iter(arrays))
    if name not in arrays:
        has = ", ".join(arrays) or "no arrays"
        raise UsageError(f"the file has no array {name or key!r} (it has {has}): set dataset.{key}=NAME")
    return name


def _require_numbers(array: Array, name: str) -> None:
    """Raise UsageError where an array has other things than numbers, or nothing."""
    if array.dtype.kind not in "iufb" or not array.size:
        raise UsageError(f"{name!r} has {array.dtype} and not numbers: give an array of bytes or floats")


def _convert(samples: Array, name: str) -> Array:
    """Return images as bytes, or as floats from -1 to 1."""
    if samples.dtype == np.uint8:
        return samples
    _require_numbers(samples, name)
    low, high = float(samples.min()), float(samples.max())
    if samples.dtype.kind == "f" and -1 <= low < 0 and high <= 1:
        return samples.astype(np.float32)
    top = 1 if high <= 1 else 255
    if not 0 <= low <= high <= top:
        raise UsageError(f"{name!r} has numbers from {low:g} to {high:g}: scale images to 0 to 255, 0 to 1, or -1 to 1")
    return np.rint(samples.astype(np.float64) * (255 / top)).astype(np.uint8)


def _arrange(images: Array, name: str, options: ArraysOptions) -> Array:
    """Return images ``[N, C, H, W]`` in the size of the options."""
    layout = options.layout
    if layout == "auto":
        last = images.ndim == 4 and images.shape[3] in (1, 3) and images.shape[1] not in (1, 3)
        layout = "none" if images.ndim == 3 else "last" if last else "first"
    if images.ndim != (3 if layout == "none" else 4):
        raise UsageError(f"{name!r} has the shape {list(images.shape)}, which dataset.layout={layout} does not fit")
    images = images[:, None] if layout == "none" else np.moveaxis(images, 3, 1) if layout == "last" else images
    if options.size is None or images.shape[2:] == (options.size, options.size):
        return np.ascontiguousarray(images) if layout != "first" else images
    if images.dtype != np.uint8 or images.shape[1] not in (1, 3):
        raise UsageError("dataset.size: only images of bytes with 1 or 3 channels are resized: remove it")
    planes = [
        resize_images(np.ascontiguousarray(images[:, channel]), options.size) for channel in range(images.shape[1])
    ]
    return np.stack(planes, axis=1)


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write twelve images of two classes to a file, and return the options that open it."""
    rows = np.arange(12)
    images = (rows[:, None, None, None] * 20 + np.arange(16 * 16 * 3).reshape(16, 16, 3)) % 256
    np.savez(folder / "images.npz", images=images.astype(np.uint8), labels=rows % 2)
    return {"path": str(folder / "images.npz")}
