"""Sources: datasets as the engine reads them, checked against their own info, stored as tensors or drawn endlessly."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganzoo.data.packing import Packing
from ganzoo.data.store import find_cache_folder, open_store
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Item

DTYPES = {"uint8": torch.uint8, "int16": torch.int16, "float32": torch.float32}
Condition = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
Batch = tuple[torch.Tensor, torch.Tensor | None]  # samples [n, *shape] and their labels


@dataclass(frozen=True)
class ArraySource:
    """A dataset of a fixed number of stored samples.

    Args:
        info: The dataset's info, where `num_items` is the true number of samples, N.
        data: The samples ``[N, *info.shape]`` in the info's dtype. They may be a read-only memory map: never write to
            them.
        labels: Classes as int64 ``[N]``, or other labels ``[N, *info.label_shape]`` in the info's label_dtype, which
            are read-only too. None where no labels are stored.
        condition: The dataset's function that makes a batch's labels from its samples; see `label_batch`. None where
            the labels are stored.
    """

    info: DataInfo
    data: torch.Tensor
    labels: torch.Tensor | None
    condition: Condition | None = None


@dataclass(frozen=True)
class EndlessSource:
    """A dataset that draws new samples without end.

    Args:
        info: The dataset's info, where `num_items` is None.
        sample: ``sample(generator, n)`` returns ``(data [n, *info.shape], labels or None)``.
        condition: As in `ArraySource`.
    """

    info: DataInfo
    sample: Callable[[torch.Generator, int], Batch]
    condition: Condition | None = None


Source = ArraySource | EndlessSource


def scale(data: torch.Tensor) -> torch.Tensor:
    """Return samples, or labels that are arrays, in the range that networks and metrics take.

    uint8 becomes float32 in [-1, 1] (x / 127.5 - 1), int16 becomes float32 in [-1, 1) (x / 32768). Other dtypes stay
    as they are.
    """
    if data.dtype == torch.int16:
        return data.float().div_(32768.0)
    return data.float().div_(127.5).sub_(1.0) if data.dtype == torch.uint8 else data


def scale_batch(source: Source, batch: Batch, device: torch.device) -> Batch:
    """Move a stored batch to the device, and scale it to the range that networks take."""
    data, labels = batch
    data = scale(data.to(device, non_blocking=True))
    if labels is not None:
        labels = labels.to(device, non_blocking=True)
    return data, scale(labels) if labels is not None and source.info.label_shape else labels


def label_batch(source: Source, batch: Batch, generator: torch.Generator) -> Batch:
    """Return a batch with the labels that its dataset makes from the samples, where the dataset makes labels.

    Args:
        source: The batch's source.
        batch: A batch as `scale_batch` returns it.
        generator: A seeded generator on the batch's device. The labels draw all their random numbers from it.
    """
    if source.condition is None:
        return batch
    with torch.no_grad():
        return batch[0], source.condition(batch[0], generator)


def open_source(
    dataset: object, *, name: str, key: str, notify: Callable[[str], None], cache: Path | None = None
) -> Source:
    """Return the source of the object that a dataset's factory returned (contract: `ganzoo.plugin.Dataset`).

    Args:
        dataset: The object that the factory returned.
        name: The dataset's name, for messages.
        key: The name of the dataset's directory in `cache`. It identifies the dataset and its options.
        notify: A function that shows one line to the user (skipped files, progress of a long packing).
        cache: The folder of all packed stores; None for `ganzoo.data.store.find_cache_folder`.

    Raises:
        GanzooError: The object breaks the contract or does not match its own info, its files cannot be read, or the
            cache cannot be written. The text names the dataset and the numbers.
    """
    info = getattr(dataset, "info", None)
    if not isinstance(info, DataInfo):
        raise GanzooError(f"dataset {name!r} has info {info!r}: its factory must return an object with a DataInfo")
    given = [word for word in ("data", "sample", "items") if getattr(dataset, word, None) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise GanzooError(f"dataset {name!r} has {found}: it must have exactly one of data, sample and items")
    condition = getattr(dataset, "condition", None)
    # A dataset that makes its labels stores none.
    stored = info if condition is None else replace(info, num_classes=0, label_shape=())
    source: Source
    if given == ["data"]:
        source = _read_data(dataset, stored, name)
    elif given == ["sample"]:
        source = _read_sample(dataset, stored, name)
    else:
        source = _read_items(dataset, stored, name, (find_cache_folder() if cache is None else cache) / key, notify)
    if condition is None:
        return source
    info = replace(info, num_items=source.info.num_items, dtype=source.info.dtype)
    return _check_condition(replace(source, info=info, condition=condition), name)


def _read_data(dataset: Any, info: DataInfo, name: str) -> ArraySource:
    data = _check_data(_to_tensor(dataset.data, name), info, name)
    labels = _check_labels(getattr(dataset, "labels", None), info, name, len(data))
    if info.num_items not in (None, len(data)):
        raise GanzooError(f"dataset {name!r} holds {len(data)} samples, but its info says num_items={info.num_items}")
    return ArraySource(replace(info, num_items=len(data), dtype=_format_dtype(data.dtype)), data, labels)


def _read_sample(dataset: Any, info: DataInfo, name: str) -> EndlessSource:
    """Check one small draw and return the source. Later draws are not checked: the training loop has no time for it."""
    data, labels = dataset.sample(torch.Generator().manual_seed(0), 2)
    if not isinstance(data, torch.Tensor) or data.dtype not in _list_dtypes(info) or len(data) != 2:
        found = (
            f"{_format_dtype(data.dtype)} {list(data.shape)}" if isinstance(data, torch.Tensor) else type(data).__name__
        )
        wanted = " or ".join(map(_format_dtype, _list_dtypes(info)))
        raise GanzooError(
            f"dataset {name!r} drew {found} for 2 samples: it must draw {wanted} tensors {[2, *info.shape]}"
        )
    _check_data(data, info, name)
    checked = _check_labels(labels, info, name, 2)
    if checked is not None and (not isinstance(labels, torch.Tensor) or labels.dtype != checked.dtype):
        raise GanzooError(f"dataset {name!r} must draw its labels as {_format_dtype(checked.dtype)} tensors")
    return EndlessSource(replace(info, num_items=None, dtype=_format_dtype(data.dtype)), dataset.sample)


def _read_items(dataset: Any, info: DataInfo, name: str, directory: Path, notify: Callable[[str], None]) -> ArraySource:
    items = list(dataset.items())
    _check_item_labels(items, info, name)
    strict = bool(getattr(dataset, "strict", False))
    store = open_store(Packing(name, items, info, strict, directory, notify))
    labels = None if store.labels is None else _share_memory(store.labels)
    return ArraySource(replace(info, num_items=len(store.data)), _share_memory(store.data), labels)


# ----------------------------------------------------------------------------
# Checks.


def _check_data(data: torch.Tensor, info: DataInfo, name: str) -> torch.Tensor:
    """Return the data; raise GanzooError where they do not match the info.

    Float images must be within [-1, 1], other floats must be finite.
    """
    if data.dtype not in _list_dtypes(info):
        wanted = "uint8 or float" + (", or its info must say dtype='int16'" if data.dtype == torch.int16 else "")
        raise GanzooError(f"dataset {name!r} has {_format_dtype(data.dtype)} data: it must be {wanted}")
    if tuple(data.shape[1:]) != info.shape:
        raise GanzooError(
            f"dataset {name!r} has data of shape {list(data.shape)}, but its info says shape={info.shape}: "
            f"it must be [{', '.join(['N', *map(str, info.shape)])}]"
        )
    if len(data) == 0:
        raise GanzooError(f"dataset {name!r} is empty: point it at data that is not empty")
    if data.dtype == torch.float32:
        low, high = (float(value) for value in data.aminmax())
        bound = 1.0 if info.modality == "image" else torch.finfo(torch.float32).max
        if not -bound <= low <= high <= bound:  # false for NaN
            wanted = "images within [-1, 1]" if info.modality == "image" else "finite"
            raise GanzooError(f"dataset {name!r} has float data from {low:g} to {high:g}: it must be {wanted}")
    return data


def _check_labels(value: Any, info: DataInfo, name: str, count: int) -> torch.Tensor | None:
    """Return the labels as int64 ``[N]`` or ``[N, *label_shape]``; raise GanzooError where the info differs."""
    says = f"label_shape={info.label_shape}" if info.label_shape else f"num_classes={info.num_classes}"
    if (value is not None) != info.labelled:
        has = "no labels" if value is None else "labels"
        raise GanzooError(f"dataset {name!r} has {has}, but its info says {says}: give both or neither")
    if value is None:
        return None
    labels = _to_tensor(value, name)
    if tuple(labels.shape) != (count, *info.label_shape):
        raise GanzooError(
            f"dataset {name!r} has labels of shape {list(labels.shape)}: "
            f"{count} samples with {says} need {[count, *info.label_shape]}"
        )
    if info.label_shape:
        if info.label_dtype == "float32":
            return labels.float()
        if labels.dtype != DTYPES[info.label_dtype]:
            raise GanzooError(
                f"dataset {name!r} has {_format_dtype(labels.dtype)} labels, but its info says "
                f"label_dtype={info.label_dtype!r}"
            )
        return labels
    if labels.is_floating_point():
        raise GanzooError(f"dataset {name!r} has {_format_dtype(labels.dtype)} labels: classes must be whole numbers")
    labels = labels.long()
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= info.num_classes:
        raise GanzooError(
            f"dataset {name!r} has labels from {low} to {high}: {says} allows 0 to {info.num_classes - 1}"
        )
    return labels


def _check_condition(source: Source, name: str) -> Source:
    """Return the source; raise GanzooError where the labels that it makes of two samples do not match its info."""
    info, generator = source.info, torch.Generator().manual_seed(0)
    stored = source.data[:2] if isinstance(source, ArraySource) else source.sample(generator, 2)[0]
    _, labels = label_batch(source, scale_batch(source, (stored, None), torch.device("cpu")), generator)
    dtype, shape = torch.float32 if info.label_shape else torch.int64, (len(stored), *info.label_shape)
    if not info.labelled or not isinstance(labels, torch.Tensor) or (labels.dtype, labels.shape) != (dtype, shape):
        found = (
            f"{_format_dtype(labels.dtype)} {list(labels.shape)}" if isinstance(labels, torch.Tensor) else repr(labels)
        )
        says = f"label_shape={info.label_shape}" if info.label_shape else f"num_classes={info.num_classes}"
        raise GanzooError(
            f"dataset {name!r}: its condition made labels {found} of {len(stored)} samples, but its info says {says}: "
            f"it must make {_format_dtype(dtype)} {list(shape)}"
        )
    return source


def _list_dtypes(info: DataInfo) -> tuple[torch.dtype, ...]:
    """Return the dtypes that an array or a draw may have; int16 only where the info says so."""
    usual = (torch.uint8, torch.float32)
    return (torch.int16, torch.float32) if info.dtype == "int16" else usual


def _check_item_labels(items: Sequence[Item], info: DataInfo, name: str) -> None:
    """Check all labels before the first item is decoded: decoding may take an hour."""
    for item in items:
        if (item.target is not None) != bool(info.label_shape):
            has = "no target" if item.target is None else "a target"
            raise GanzooError(
                f"dataset {name!r} gives {item.name!r} {has}: its info says label_shape={info.label_shape}"
            )
        fits = item.label is None if info.num_classes == 0 else item.label in range(info.num_classes)
        if not fits:
            wanted = f"a label from 0 to {info.num_classes - 1}" if info.num_classes else "no label"
            raise GanzooError(
                f"dataset {name!r} gives {item.name!r} the label {item.label!r}: "
                f"its info says num_classes={info.num_classes}, so it must be {wanted}"
            )


# ----------------------------------------------------------------------------
# Arrays to tensors.


def _to_tensor(value: Any, name: str) -> torch.Tensor:
    """Return an array-like as a tensor, floats as float32; the data is copied only where its dtype changes."""
    if isinstance(value, torch.Tensor):
        return value.detach().float() if value.is_floating_point() else value.detach()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise GanzooError(f"dataset {name!r} has an array of {array.dtype}: it must be an array of numbers")
    native = np.float32 if array.dtype.kind == "f" else array.dtype.newbyteorder("=")
    return _share_memory(array.astype(native, copy=False))


def _share_memory(array: np.ndarray[Any, Any]) -> torch.Tensor:
    """Return a tensor that shares an array's memory. Nobody writes to it, so torch's warning about that is silenced."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def _format_dtype(dtype: torch.dtype) -> Any:
    return str(dtype).removeprefix("torch.")
