"""Labels of files: the folders that they are in, a table `labels.csv`, or StyleGAN's `dataset.json`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from ganzoo.plugin import Corrupt, DataInfo, UsageError

TABLE, STYLEGAN = "labels.csv", "dataset.json"  # names of files with labels, at the top of a folder
FILE_COLUMNS = ("file", "filename", "file_name", "path", "image", "img", "name", "id")
MOST_CLASSES = 1 << 20
LABEL_COLUMNS = ("label", "class", "category", "target")

Vector = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Labels:
    """The labels of a list of files.

    Args:
        classes: The names of the classes; empty if labels are vectors or there are none.
        numbers: The class of each file; None for files without one.
        vectors: The vector of each file ``[D]``; empty if labels are classes or there are none.
    """

    classes: Sequence[str]
    numbers: Sequence[int | None]
    vectors: Sequence[Vector] = ()

    def repeat(self, times: int) -> Labels:
        """Return the labels of files of which each comes so many times, one after the other."""
        if times == 1:
            return self
        numbers = [number for number in self.numbers for _ in range(times)]
        return Labels(self.classes, numbers, [vector for vector in self.vectors for _ in range(times)])

    def describe(self, shape: tuple[int, int, int]) -> DataInfo:
        """Return the info of images of this shape with these labels."""
        if len(self.vectors):
            return DataInfo(shape=shape, num_items=len(self.vectors), label_shape=self.vectors[0].shape)
        meta = {"classes": list(self.classes)} if self.classes else {}
        return DataInfo(shape=shape, num_classes=len(self.classes), num_items=len(self.numbers), meta=meta)


def number_classes(names: Sequence[str]) -> Labels:
    """Return the labels of files whose classes have these names; classes are sorted, numbers by their value."""
    whole = all(name.isdecimal() for name in names)
    classes = sorted(set(names), key=lambda name: (int(name) if whole else 0, name))
    numbers = {name: number for number, name in enumerate(classes)}
    return Labels(classes, [numbers[name] for name in names])


def label_by_folder(names: Sequence[PurePath]) -> Labels:
    """Return the sub-folders of the first level as classes; no labels if a file is in none, or all are in one."""
    folders = {name.parts[0] for name in names}
    if len(folders) < 2 or any(len(name.parts) == 1 for name in names):
        return Labels((), [None] * len(names))
    classes = sorted(folders)
    numbers = {name: number for number, name in enumerate(classes)}
    return Labels(classes, [numbers[name.parts[0]] for name in names])


# ----------------------------------------------------------------------------
# Files with labels.


def read_table(content: bytes, names: Sequence[PurePath], column: str = "") -> Labels:
    """Return the labels that a table gives to files.

    Args:
        content: The file: comma-separated, with a row of names of columns first.
        names: The files. The table names them by their path, their name, or their name without suffix.
        column: The name of the column with the labels; empty for ``label`` and the like, or the only other one.

    Raises:
        UsageError: A column is missing, or a file has no label.
        Corrupt: The table is not text.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Corrupt(f"{TABLE} is not a table of text ({error}): save it as comma-separated UTF-8") from error
    columns = [name for name in rows[0] if name is not None] if rows else []  # None holds what has no column
    by_name = {name.lower().strip(): name for name in reversed(columns)}
    file = next((by_name[name] for name in FILE_COLUMNS if name in by_name), None)
    others = [name for name in columns if name != file]
    usual = next((by_name[name] for name in LABEL_COLUMNS if name in by_name), None)
    label = column or usual or (others[0] if len(others) == 1 else None)
    if file is None or label not in columns:
        missing = "file_name" if file is None else label or "label"
        raise UsageError(
            f"{TABLE} has no column {missing!r} (it has {', '.join(columns) or 'no rows'}): its first row must name "
            "a column file_name and a column label, or set dataset.label=COLUMN"
        )
    return number_classes(_match(names, [(row[file], row[label]) for row in rows], TABLE))


def read_stylegan(content: bytes, names: Sequence[PurePath]) -> Labels:
    """Return the labels of StyleGAN's ``dataset.json``: numbers of classes, or vectors of numbers.

    Raises:
        Corrupt: The file does not have this form.
        UsageError: A file has no label.
    """
    try:
        listed = json.loads(content)["labels"]
        if listed is None:
            return Labels((), [None] * len(names))
        found = _match(names, [(str(name), label) for name, label in listed], STYLEGAN)
        if all(type(label) is int and label < MOST_CLASSES for label in found):
            return Labels([str(number) for number in range(max(found) + 1)], found)
        vectors = np.array(found, np.float32)
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(
            f'{STYLEGAN} does not have the form {{"labels": [["NAME", 0], ...]}} ({error!r}): mend it, or set '
            "dataset.labels=none"
        ) from error
    if vectors.ndim != 2 or not vectors.size or not np.isfinite(vectors).all():
        raise Corrupt(f"{STYLEGAN} has labels of several kinds: give each image one number or one vector")
    return Labels((), [None] * len(names), list(vectors))


def _match(names: Sequence[PurePath], rows: Iterable[tuple[str, Any]], where: str) -> list[Any]:
    """Return the label of each file, from rows of names and labels; raise UsageError if a file has none."""
    labels = {PurePath(name).as_posix(): label for name, label in rows if name}
    keys = [_find_key(name, labels) for name in names]
    without = [name for name, key in zip(names, keys, strict=True) if key is None or labels[key] in (None, "")]
    if without:
        raise UsageError(
            f"{where} gives {len(without)} of {len(names)} images no label, first {without[0].as_posix()!r}: add them, "
            "or set dataset.labels=none"
        )
    by_key: dict[str, list[str]] = {}
    for name, key in zip(names, keys, strict=True):
        by_key.setdefault(str(key), []).append(name.as_posix())
    if several := [(key, files) for key, files in by_key.items() if len(files) > 1]:
        key, files = several[0]
        raise UsageError(
            f"{where} has one row {key!r} for {len(files)} images, {files[0]!r} and {files[1]!r}: give each a row with "
            "its path, or set dataset.labels=none"
        )
    return [labels[key] for key in keys if key is not None]


def _find_key(name: PurePath, labels: Mapping[str, Any]) -> str | None:
    """Return the name by which a table knows a file; None if it does not."""
    return next((key for key in (name.as_posix(), name.name, name.stem) if key in labels), None)
