"""A table of settings: which values each setting takes, and the runs that follow from it.

Each setting with several values is a dimension, and the runs are all combinations. Values are separated by commas.
Commas inside parentheses do not separate, so that ``optim.g.lr=1e-4,constant(1e-3)`` has two values. A value that is
itself a list stands in parentheses: ``optim.g.betas=(0,0.99),(0.5,0.9)``.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import NotFound, UsageError
from ganzoo.plugin.options import to_text
from ganzoo.plugin.values import split_list
from ganzoo.recipe.keys import COMPONENTS, FLAGS, MANY

SEED = "train.seed"
STARTS = ("recipe", "config")  # what a run's settings start from; like components they are flags without a key
CHOSEN = (*(key.name for key in COMPONENTS), *STARTS)
KEY_OF_FLAG = {flag.name: flag.key for flag in FLAGS}
SEPARATE = re.compile(r",(?![^(]*\))")

Settings = dict[str, Any]  # by key, or by the name of a flag in `CHOSEN`
Dimension = list[Settings]  # alternatives


@dataclass(frozen=True)
class Cell:
    """The settings of one run of a sweep.

    Args:
        settings: The settings, as text by key.
        varied: The keys of the settings that differ in the sweep, with those of the run's row.
    """

    settings: Mapping[str, str]
    varied: tuple[str, ...]

    @property
    def id(self) -> str:
        """Eight characters that depend on the settings alone: a run's name ends with them."""
        return hashlib.sha256(json.dumps(dict(self.settings), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def label(self) -> str:
        """The varied settings as a person types them: ``optim.g.lr=1e-4 train.seed=2``."""
        return " ".join(f"{key}={self.settings[key]}" for key in self.varied) or "the run"

    @property
    def name(self) -> str:
        """The name of the run, after its number: the varied values in short, and the `id`."""
        words = [f"{key.rpartition('.')[2]}-{self.settings[key]}" for key in self.varied]
        short = re.sub(r"[^\w.+]+", "-", "-".join(words)).strip("-")[:60]
        return "-".join(filter(None, [short, self.id]))


def split_values(text: str) -> list[str]:
    """Return the values of a setting. Parentheses around a whole value are removed, and keep its commas together.

    Raises:
        UsageError: A value is missing or empty.
    """
    parts = [part.strip() for part in SEPARATE.split(text)]
    if not all(parts) and len(parts) > 1:
        raise UsageError(f"{text!r} has an empty value: remove a comma")
    return [part[1:-1].strip() if part.startswith("(") and part.endswith(")") else part for part in parts]


def normalise_key(key: str) -> str:
    """Return the key that a flag's name means: ``images`` is ``train.images``."""
    return KEY_OF_FLAG.get(key, key)


def make_dimension(key: str, values: Iterable[object]) -> Dimension:
    """Return a dimension of one setting.

    Args:
        key: The key of the setting, or the name of its flag.
        values: The alternatives; a list among them is one value.
    """
    texts = list(dict.fromkeys(_format_value(value) for value in values))
    return [{normalise_key(key): text} for text in texts]


def read_table(path: Path) -> list[Dimension]:
    """Return the dimensions in a file.

    A ``.csv`` has a key in each column and a run in each row; an empty cell is not set. A ``.toml`` has keys with a
    value or a list of values; the tables ``[[runs]]`` in it are rows.

    Raises:
        NotFound: There is no such file.
        UsageError: The file is not such a table.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(f"there is no file {str(path)!r}: give a .toml or .csv, or KEY=VALUE,VALUE") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a text file in UTF-8") from None
    rows: list[Settings]
    if path.suffix == ".csv":
        dimensions, rows = [], _read_rows(path, text)
    else:
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path} is not TOML: {error}") from None
        rows = found.pop("runs", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UsageError(f"{path}: `runs` are tables, each [[runs]] with the settings of one row")
        dimensions = [
            make_dimension(key, value if isinstance(value, list) else [value]) for key, value in _flatten(found).items()
        ]
        rows = [_flatten(row) for row in rows]
    row_dimension = [{normalise_key(key): _format_value(value) for key, value in row.items()} for row in rows]
    if not dimensions and not row_dimension:
        raise UsageError(f"{path} has no settings")
    return [*dimensions, *([row_dimension] if row_dimension else [])]


def make_cells(dimensions: Sequence[Dimension], seeds: int = 1) -> list[Cell]:
    """Return the cells of all combinations, seeds last.

    Args:
        dimensions: The dimensions. Those with one alternative are fixed settings.
        seeds: The number of seeds of each combination: from the one that is set, or from 0.

    Raises:
        UsageError: A setting is given twice, or seeds are given in two ways.
    """
    keys = [key for dimension in dimensions for key in dict.fromkeys(key for each in dimension for key in each)]
    twice = [key for key in keys if keys.count(key) > 1 and key not in MANY]
    if twice:
        raise UsageError(f"{twice[0]} is given twice: write its values in one place, as {twice[0]}=A,B")
    dimensions = list(dimensions)
    if seeds > 1:
        given = [each[SEED] for dimension in dimensions for each in dimension if SEED in each]
        if len(given) > 1 or not all(value.isdecimal() for value in given):
            raise UsageError(f"--seeds {seeds} and several values of {SEED} both set the seeds: remove one of them")
        first = int(given[0]) if given else 0
        dimensions = [dimension for dimension in dimensions if not (given and SEED in dimension[0])]
        dimensions.append(make_dimension(SEED, range(first, first + seeds)))
    varied = _list_varied(dimensions)
    cells: dict[str, Cell] = {}
    for combination in itertools.product(*dimensions):
        settings: dict[str, str] = {}
        for each in combination:
            for key, value in each.items():
                settings[key] = f"{settings[key]},{value}" if key in settings else value  # of a flag that repeats
        cell = Cell(settings, tuple(key for key in varied if key in settings))
        cells[cell.id] = cell
    return list(cells.values())


def _list_varied(dimensions: Sequence[Dimension]) -> list[str]:
    """Return the keys whose values differ, or that only some rows set."""
    keys = dict.fromkeys(key for dimension in dimensions for each in dimension for key in each)
    return [key for key in keys if any(len({each.get(key) for each in dimension}) > 1 for dimension in dimensions)]


def _format_value(value: object) -> str:
    """Return a value as a person types it."""
    if isinstance(value, str):
        return value
    return ",".join(map(_format_value, value)) if isinstance(value, (list, tuple)) else to_text(value)


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Settings:
    """Return the values of a TOML table by dotted key."""
    flat: Settings = {}
    for key, value in table.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _read_rows(path: Path, text: str) -> list[Settings]:
    """Return the rows of a CSV file."""
    header, *rows = [*csv.reader(text.splitlines())] or [[]]
    if not all(key.strip() for key in header) or any(len(row) > len(header) for row in rows):
        raise UsageError(f"{path} is not a table: its first line has the keys, and no line has more cells")
    keys = [key.strip() for key in header]
    return [{key: cell.strip() for key, cell in zip(keys, row, strict=False) if cell.strip()} for row in rows if row]


def split_flags(settings: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Return the settings of a cell as `ganzoo.training.prepare` takes them: flags, options, recipe and config."""
    components = [key.name for key in COMPONENTS if key.name in settings]
    flags = {key: tuple(split_list(settings[key])) if key in MANY else settings[key] for key in components}
    options = {key: value for key, value in settings.items() if key not in CHOSEN}
    return flags, options, {key: settings[key] for key in STARTS if key in settings}
