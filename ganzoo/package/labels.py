"""The labels that a user gives to a model: classes, by number or name, or arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.data.source import scale
from ganzoo.errors import UsageError, suggest_names
from ganzoo.plugin import DataInfo
from ganzoo.samples import grid
from ganzoo.samples.classes import spread_classes

FLOATS = ("float16", "bfloat16", "float32", "float64")
NUM_NAMED = 10  # names of classes that a message lists

Labels = int | str | Sequence[Any] | NDArray[Any] | Tensor | None


def choose_labels(n: int, labels: Labels, data: DataInfo) -> Tensor | None:
    """Return the labels of `n` samples: classes int64 ``[n]``, arrays float32 ``[n, *label_shape]``, or None.

    Args:
        n: The number of samples.
        labels: The wanted labels, as `Generator.sample` takes them; None for all classes in turn.
        data: The info of the samples.

    Raises:
        UsageError: The model has no such labels.
    """
    if data.label_shape:
        return _check_arrays(n, labels, data)
    if data.num_classes:
        return _choose_classes(n, labels, data)
    if labels is not None:
        raise UsageError("this model was trained without labels: remove the label")
    return None


def choose_columns(n: int, labels: Labels, data: DataInfo) -> int | None:
    """Return the number of columns in which classes that take turns stand one below the other; None for any number."""
    num = data.num_classes if labels is None else len(labels) if isinstance(labels, (list, tuple)) else 1
    return min(n, grid.choose_columns(num)) if num > 1 and data.num_classes else None


# ----------------------------------------------------------------------------
# The arguments of a generator.


def read_latents(z: Any, dim: int) -> Tensor:
    """Return latents ``[n, dim]`` as a tensor; raise UsageError if they have another shape."""
    latents = _read_numbers(z, "latents")
    if latents.dim() != 2 or latents.shape[1] != dim:
        words = f"latents are {list(latents.shape)}: this model takes [n, {dim}]"
        raise UsageError(f"{words}, such as generator.draw_latents(n, seed=0)")
    return latents


def read_labels(labels: Any, num: int, data: DataInfo, any_size: bool = False) -> Tensor | None:
    """Return the labels of so many latents as a tensor, or None for a model without labels.

    Args:
        labels: Classes ``[num]``, or arrays ``[num, *label_shape]`` in the network's range; None for no labels.
        num: The number of latents.
        data: The info of the samples.
        any_size: Whether all sides of a label but the first may differ from `label_shape`.

    Raises:
        UsageError: The labels are missing or unexpected, have another shape, or a class does not exist.
    """
    if not data.labelled:
        if labels is not None:
            raise UsageError("this model was trained without labels: remove them")
        return None
    wanted = f"arrays {[num, *data.label_shape]}" if data.label_shape else f"{num} classes, {_list_classes(data)}"
    if labels is None:
        raise UsageError(f"this model takes a label for each latent: give {wanted}")
    given = _read_numbers(labels, "labels")
    shape, built = tuple(given.shape), (num, *data.label_shape)
    fits = len(shape) == len(built) and shape[:2] == built[:2] if any_size else shape == built
    if not fits or given.is_floating_point() != bool(data.label_shape):
        raise UsageError(f"labels are {str(given.dtype).removeprefix('torch.')} {list(shape)}: give {wanted}")
    if not data.label_shape and num and not bool(((given >= 0) & (given < data.num_classes)).all()):
        raise UsageError(f"labels range from {int(given.min())} to {int(given.max())}: give {wanted}")
    return given if data.label_shape else given.long()


def _read_numbers(values: Any, word: str) -> Tensor:
    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        raise UsageError(f"{word} are {type(values).__name__}: give a tensor or an array of numbers") from None


# ----------------------------------------------------------------------------
# Classes.


def split_labels(texts: Iterable[str], data: DataInfo) -> list[str]:
    """Return the classes in texts of the command line: each is a class, or several that commas separate."""
    parts = ([text] if text in data.class_names else text.split(",") for text in texts)
    return [part if part in data.class_names else part.strip() for each in parts for part in each]


def find_condition(text: str, data: DataInfo) -> str:
    """Return the class of a condition on the rows of a table, ``COLUMN=CATEGORY``.

    Raises:
        UsageError: The samples are not rows of a table, the model takes no conditions, there is no such column or
            category, or the column has numbers.
    """
    columns = data.meta.get("columns")
    names = [str(each["name"]) for each in columns if isinstance(each, dict) and "name" in each] if columns else []
    if not names:
        raise UsageError(f"--where {text}: this model does not make the rows of a table: use --label CLASS")
    if text in data.class_names:
        return text
    column, separator, _ = text.partition("=")
    if not separator:
        raise UsageError(f"--where {text!r} is not COLUMN=CATEGORY: its columns are {', '.join(names)}")
    if column not in names:
        hint = suggest_names(column, names) or f": it has {_join_some(names)}"
        raise UsageError(f"this model has no column {column!r}{hint}")
    if not data.class_names:
        raise UsageError(f"--where {text}: this model takes no conditions: train one with --conditional")
    pairs = [each.partition("=") for each in data.class_names]
    known = [category for name, _, category in pairs if name == column]
    if not known:
        others = ", ".join(dict.fromkeys(name for name, _, _ in pairs))
        raise UsageError(f"--where {text}: this model takes conditions on {others}, not on {column}")
    hint = suggest_names(text.partition("=")[2], known) or f": it has {_join_some(known)}"
    raise UsageError(f"column {column!r} has no category {text.partition('=')[2]!r}{hint}")


def name_classes(labels: Tensor, data: DataInfo) -> list[str]:
    """Return a text for each class in ``[n]`` that can be part of the name of a file: its name, or its number."""
    texts = {number: re.sub(r"[^\w.-]+", "_", name)[:50].strip("._") for number, name in enumerate(data.class_names)}
    return [texts.get(number) or str(number) for number in labels.tolist()]


def _choose_classes(n: int, labels: Labels, data: DataInfo) -> Tensor:
    """Return classes int64 ``[n]``: those in `labels` in turn; by default all, as `spread_classes` orders them."""
    if labels is None:
        return spread_classes(n, data)
    if isinstance(labels, str):
        labels = _find_class(labels, data)
    elif isinstance(labels, (list, tuple, np.ndarray)) and any(isinstance(each, str) for each in labels):
        labels = [_find_class(each, data) if isinstance(each, str) else each for each in labels]
    given = torch.as_tensor(labels)
    if given.dim() > 1 or not given.numel() or given.is_floating_point():
        raise UsageError(
            f"labels of this model are classes, {_list_classes(data)}: give one for all samples, or a list whose "
            "classes take turns"
        )
    given = given.reshape(-1).long()
    if len(given) > n:
        raise UsageError(f"{len(given)} labels were given for {n} samples: ask for at least as many samples as labels")
    for number in given.tolist():
        if not 0 <= number < data.num_classes:
            raise UsageError(f"this model has no class {number}: its classes are {_list_classes(data)}")
    return given[torch.arange(n) % len(given)]


def _find_class(text: str, data: DataInfo) -> int:
    """Return the class of a name; a number where no class has that name."""
    names = data.class_names
    if text in names:
        return names.index(text)
    if re.fullmatch(r"\d{1,9}", text, re.ASCII) and int(text) < data.num_classes:
        return int(text)
    hint = suggest_names(text, names) or f": its classes are {_list_classes(data)}"
    raise UsageError(f"this model has no class {text!r}{hint}")


def _list_classes(data: DataInfo) -> str:
    """Return the classes as text: their numbers, and some of their names."""
    names, last = data.class_names, data.num_classes - 1
    return f"0 to {last}" + (f" or {_join_some(names)}" if names else "")


def _join_some(names: Sequence[str]) -> str:
    """Return names as text, and how many more there are."""
    more = f" and {len(names) - NUM_NAMED} more" if len(names) > NUM_NAMED else ""
    return ", ".join(names[:NUM_NAMED]) + more


# ----------------------------------------------------------------------------
# Arrays.


def _check_arrays(n: int, labels: Labels, data: DataInfo) -> Tensor:
    """Return labels that are arrays as float32 ``[n, *label_shape]``; raise UsageError where the user gave none."""
    shape = (n, *data.label_shape)
    values = None if labels is None or isinstance(labels, (int, str)) else scale_labels(labels, "labels", data)
    if values is None or values.shape != shape:
        raise UsageError(
            f"labels of this model are arrays {list(shape)}: give them in Python, "
            "ganzoo.load(...).sample(n, labels=...), or as files, `ganzoo apply MODEL IN OUT`"
        )
    return values


def scale_labels(given: Any, word: str, data: DataInfo) -> Tensor:
    """Scale labels that are arrays to the network's range, float32 ``[n, ...]``; `word` names them in errors.

    Raises:
        UsageError: Their dtype has no known scale, they are out of range, or they are not finite.
    """
    scaled = data.labels_are_images or data.label_dtype != "float32"  # such labels are within [-1, 1]
    whole = {data.label_dtype, *(["uint8"] if data.labels_are_images else [])} - {"float32"}
    values: Any = given if isinstance(given, Tensor) else np.asarray(given)
    kind = values.dtype.name if isinstance(values, np.ndarray) else str(values.dtype).removeprefix("torch.")
    if kind not in (*FLOATS, *whole):
        wanted = " or ".join([*sorted(whole), "floats in [-1, 1]" if scaled else "floats"])
        raise UsageError(f"{word} are {kind}: this model takes {wanted}")
    if isinstance(values, np.ndarray):  # torch takes the native byte order and positive strides alone
        values = torch.from_numpy(values.astype(values.dtype.newbyteorder("="), order="C"))
    labels: Tensor = values
    if labels.dtype == torch.uint8 and data.labels_are_images and labels.dim() == 4:
        labels = labels.permute(0, 3, 1, 2)
    labels = scale(labels).float()
    if not bool(labels.isfinite().all()):
        raise UsageError(f"{word} contain numbers that are not finite: remove them")
    if scaled and not bool((labels.abs() <= 1).all()):
        low, high = (float(value) for value in labels.aminmax())
        raise UsageError(f"{word} range from {low:g} to {high:g}: scale or clip them to [-1, 1]")
    return labels
