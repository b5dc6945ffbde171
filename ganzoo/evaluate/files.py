"""Samples in folders and files, made by any program, as a source that generated samples are read from."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.data.arrays import check_data, format_dtype, to_tensor
from ganzoo.data.load import load_source
from ganzoo.data.source import ArraySource, Source, describe_skipped_items
from ganzoo.errors import Corrupt, NotFound, UsageError
from ganzoo.evaluate.request import ARRAYS, choose_samples
from ganzoo.plugin import DataInfo
from ganzoo.registry import Registry
from ganzoo.samples.show import CHANNELS

NAMES = ("samples", "images", "arr_0")  # an array of one of these names has the samples; the first one that is there


def load_samples(
    path: Path, like: DataInfo, registry: Registry, device: torch.device, notify: Callable[[str], None]
) -> Source:
    """Return the samples in a folder or a file, as samples of the same kind and shape as others.

    Args:
        path: A folder of images, which are resized, or a file of arrays.
        like: The info of the samples that they are compared with.
        registry: The registry with the dataset that opens folders.
        device: The device of the samples.
        notify: A function that shows one line to the user, here the images that could not be read.

    Raises:
        NotFound: There are no samples at this path.
        UsageError: The samples do not fit.
        Corrupt: The file is damaged.
    """
    if path.suffix.lower() in ARRAYS:
        source: Source = load_arrays(path, like)
    else:
        source = load_source(choose_samples(registry, path, like.shape), device, notify)
        if line := describe_skipped_items(source):
            notify(f"{path}: {line}")
    if (source.info.modality, source.info.shape) != (like.modality, like.shape):
        raise UsageError(
            f"{path} has {source.info.modality} samples of {_format_shape(source.info.shape)}, and the others are "
            f"{like.modality} samples of {_format_shape(like.shape)}: name samples of that shape"
        )
    return source


def load_arrays(path: Path, like: DataInfo | None = None) -> ArraySource:
    """Return the samples in a file of arrays, ``.npz`` or ``.npy``.

    Images are uint8 or floats in [-1, 1], ``[N, H, W, C]`` as `ganzoo sample` writes them, ``[N, C, H, W]`` or
    ``[N, H, W]``. Other samples are floats ``[N, *shape]``.

    Args:
        path: The path of the file.
        like: The info of the samples that they are compared with; None for images if the array looks like images.
    """
    array = _read_array(path)
    if like is None:
        image = array.ndim == 3 or (array.ndim == 4 and bool({array.shape[1], array.shape[-1]} & set(CHANNELS)))
        if not image and array.ndim != 2:
            raise UsageError(f"{path} has {list(array.shape)}: give images [N, H, W, C], or points [N, D]")
        like = DataInfo(shape=_guess_shape(array), modality="image" if image else "points")
    found = f"{array.dtype} {list(array.shape)}"
    if like.modality == "image":
        array = _put_channels_first(array, like.shape)
    numbers = array.dtype.kind == "f" or (array.dtype == np.uint8 and like.modality == "image")
    if array.shape[1:] != like.shape or not numbers:
        image = like.modality == "image"
        sides = (*like.shape[1:], like.shape[0]) if image else like.shape
        raise UsageError(
            f"{path} has {found}, and samples of {'uint8 or floats' if image else 'floats'} "
            f"[N, {', '.join(map(str, sides))}] are needed: write them in that form"
            + (", or name a folder of images, which are resized" if image else "")
        )
    if like.modality == "image" and array.dtype.kind == "f" and array.size and 0 <= array.min() <= array.max() <= 1:
        raise UsageError(
            f"{path} has no number below 0, and floats of images are in [-1, 1]: write 2 * x - 1, or uint8"
        )
    data = to_tensor(array, str(path))
    info = DataInfo(
        shape=like.shape, modality=like.modality, num_items=len(data), dtype=format_dtype(data.dtype), meta=like.meta
    )
    return ArraySource(info, check_data(data, info, str(path)), None)


def _read_array(path: Path) -> NDArray[Any]:
    """Return the array of a file that has the samples."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            name = next((name for name in (*NAMES, *found.files[:1]) if name in found.files), "")
            if len(found.files) > 1 and name not in NAMES:
                raise UsageError(f"{path} has the arrays {', '.join(found.files)}: call the one with samples 'samples'")
            if not name:
                raise Corrupt(f"{path} has no array: name a file with samples")
            array: NDArray[Any] = found[name]
            return array
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}: name a folder or a file of samples") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Corrupt(f"{path} is damaged or not a file of plain arrays: {error}") from error


def _put_channels_first(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return images ``[N, C, H, W]``; an array that is neither in this order nor in another known one as it is."""
    if array.ndim == 3 and shape[0] == 1:
        return array[:, None]
    if array.ndim == 4 and array.shape[1:] != shape and (array.shape[3], *array.shape[1:3]) == shape:
        return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
    return array


def _guess_shape(array: NDArray[Any]) -> tuple[int, ...]:
    """Return the shape of one sample; of an image with its channels first."""
    if array.ndim == 3:
        return (1, *array.shape[1:])
    if array.ndim == 4 and array.shape[-1] in CHANNELS:
        return (array.shape[3], *array.shape[1:3])
    return array.shape[1:]


def _format_shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
