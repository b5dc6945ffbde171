"""Arrays of datasets as tensors, checked against the dataset's info."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Item

DTYPES = {"uint8": torch.uint8, "int16": torch.int16, "float32": torch.float32}

# ----------------------------------------------------------------------------
# Checks.


def check_data(data: torch.Tensor, info: DataInfo, name: str) -> torch.Tensor:
    """Return the data; raise GanzooError where they do not match the info.

    Float images must be within [-1, 1], other floats must be finite.
    """
    if data.dtype not in list_dtypes(info):
        wanted = "uint8 or float" + (", or its info must say dtype='int16'" if data.dtype == torch.int16 else "")
        raise GanzooError(f"dataset {name!r} has {format_dtype(data.dtype)} data: it must be {wanted}")
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


def check_labels(value: Any, info: DataInfo, name: str, count: int) -> torch.Tensor | None:
    """Return the labels as int64 ``[N]`` or ``[N, *label_shape]``; raise GanzooError where the info differs."""
    says = f"label_shape={info.label_shape}" if info.label_shape else f"num_classes={info.num_classes}"
    if (value is not None) != info.labelled:
        has = "no labels" if value is None else "labels"
        raise GanzooError(f"dataset {name!r} has {has}, but its info says {says}: give both or neither")
    if value is None:
        return None
    labels = to_tensor(value, name)
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
                f"dataset {name!r} has {format_dtype(labels.dtype)} labels, but its info says "
                f"label_dtype={info.label_dtype!r}"
            )
        return labels
    if labels.is_floating_point():
        raise GanzooError(f"dataset {name!r} has {format_dtype(labels.dtype)} labels: classes must be whole numbers")
    labels = labels.long()
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= info.num_classes:
        raise GanzooError(
            f"dataset {name!r} has labels from {low} to {high}: {says} allows 0 to {info.num_classes - 1}"
        )
    return labels


def list_dtypes(info: DataInfo) -> tuple[torch.dtype, ...]:
    """Return the dtypes that an array or a draw may have; int16 only where the info says so."""
    usual = (torch.uint8, torch.float32)
    return (torch.int16, torch.float32) if info.dtype == "int16" else usual


def check_item_labels(items: Sequence[Item], info: DataInfo, name: str) -> None:
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


def to_tensor(value: Any, name: str) -> torch.Tensor:
    """Return an array-like as a tensor, floats as float32; the data is copied only where its dtype changes."""
    if isinstance(value, torch.Tensor):
        return value.detach().float() if value.is_floating_point() else value.detach()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise GanzooError(f"dataset {name!r} has an array of {array.dtype}: it must be an array of numbers")
    native = np.float32 if array.dtype.kind == "f" else array.dtype.newbyteorder("=")
    return share_memory(array.astype(native, copy=False))


def share_memory(array: np.ndarray[Any, Any]) -> torch.Tensor:
    """Return a tensor that shares an array's memory. Nobody writes to it, so torch's warning about that is silenced."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def format_dtype(dtype: torch.dtype) -> Any:
    """Return a dtype's name as a `DataInfo` writes it."""
    return str(dtype).removeprefix("torch.")
