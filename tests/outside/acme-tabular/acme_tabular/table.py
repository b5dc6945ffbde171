"""The dataset: it reads a CSV file, finds the kinds of its columns, and encodes its rows as numbers."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path

import numpy as np

from acme_tabular import TableOptions
from acme_tabular.columns import KNOTS, Array, Category, Column, Number, spread_values, write_meta
from ganzoo.plugin import DataInfo, NotFound, UsageError

FEW = 10  # a column of whole numbers with at most this many different values is categorical
PRECISE = 12  # the largest number of decimals


class Table:
    """The rows of a CSV file, float32 ``[N, D]``: numbers standard normal, categories one-hot.

    A column of numbers is numeric, unless it has at most ten different values, all whole. All others are categorical.

    Args:
        options: The file, the kinds of its columns, and the choice of rows.

    Raises:
        NotFound: The file does not exist or cannot be read.
        UsageError: The file is not such a table; the text names the line or the column and the way out.
    """

    def __init__(self, options: TableOptions) -> None:
        names, rows, lines = read(options)
        held_out = np.arange(len(rows)) % options.every == options.every - 1
        if not held_out.any():
            raise UsageError(
                f"{_file(options)} has {len(rows)} rows, of which every {options.every}th is held out: "
                "add rows, or a smaller dataset.every"
            )
        draws = np.random.default_rng(0)
        columns, encoded, codes = [], [], {}
        for index, name in enumerate(names):
            cells = [row[index] for row in rows]
            column, values = _column(name, cells, lines, ~held_out, options)
            columns.append(column)
            encoded.append(column.encode(values, draws))
            codes[name] = values
        kept = held_out if options.split == "held-out" else ~held_out
        self.data: Array = np.concatenate(encoded, axis=1).astype(np.float32)[kept]
        label = _label(options.label, columns)
        self.labels: Array | None = codes[label.name].astype(np.int64)[kept] if label else None
        self.info = DataInfo(
            shape=self.data.shape[1:],
            num_classes=label.width if label else 0,
            num_items=len(self.data),
            modality="tabular",
            meta={"columns": write_meta(columns)} | ({"classes": list(label.categories)} if label else {}),
        )


def _label(name: str, columns: list[Column]) -> Category | None:
    """Return the column that the option ``label`` names, or None."""
    found = [column for column in columns if isinstance(column, Category) and column.name == name]
    if name and not found:
        known = ", ".join(column.name for column in columns if isinstance(column, Category)) or "none"
        raise UsageError(f"dataset.label={name}: it must be a categorical column of the table ({known})")
    return found[0] if name else None


# ----------------------------------------------------------------------------
# Reading the file.


def read(options: TableOptions) -> tuple[list[str], list[list[str]], list[int]]:
    """Read the columns' names, the rows of cells and their line numbers, without the columns to drop; see `Table`."""
    text, file = _text(options), _file(options)
    reader = csv.reader(io.StringIO(text, newline=""))
    rows, lines = [], []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, options)
        chosen = [index for index, name in enumerate(header) if name not in options.drop]
        for row in filter(None, reader):
            if len(row) != len(header):
                raise UsageError(
                    f"{file}, line {reader.line_num}: {len(row)} cells where the first line names {len(header)} "
                    "columns: correct the line"
                )
            cells = [row[index].strip() for index in chosen]
            if all(cells):
                rows.append(cells)
                lines.append(reader.line_num)
            elif options.missing == "error":
                raise UsageError(
                    f"{file}, line {reader.line_num}: column {header[chosen[cells.index('')]]!r} is empty: "
                    "fill it in, or drop such rows with dataset.missing=drop"
                )
    except csv.Error as error:
        raise UsageError(f"{file}, line {reader.line_num}: not CSV ({error}): correct the line") from None
    if not rows:
        which = "row without an empty cell" if options.missing == "drop" else "row"
        raise UsageError(f"{file} has no {which}: give a table that has one")
    return [header[index] for index in chosen], rows, lines


def _text(options: TableOptions) -> str:
    """Read the text of the file."""
    file = _file(options)
    try:
        if not options.path:
            return (resources.files("acme_tabular") / "rides.csv").read_text("utf-8")
        return Path(options.path).expanduser().read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}, line {line}: not UTF-8: save the file as UTF-8") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NotFound(f"{file} cannot be read ({why}): give a CSV file with dataset.path=FILE") from None


def _check_header(header: list[str], options: TableOptions) -> None:
    """Raise UsageError if a name is missing, empty or there twice, or if an option names a column that is not there."""
    file = _file(options)
    if not header:
        raise UsageError(f"{file} is empty: its first line must name the columns")
    double = [name for name, count in Counter(header).items() if count > 1 or not name]
    if double:
        raise UsageError(
            f"{file}: the first line names a column {double[0]!r} twice or leaves a name empty: correct it"
        )
    for key in ("numeric", "categorical", "drop"):
        for name in getattr(options, key):
            if name not in header:
                raise UsageError(f"dataset.{key}: {file} has no column {name!r}: it has {', '.join(header)}")
    if set(header) == set(options.drop):
        raise UsageError("dataset.drop names all columns: name fewer")


def _file(options: TableOptions) -> str:
    return repr(options.path) if options.path else "rides.csv"


# ----------------------------------------------------------------------------
# The kinds of columns.


def _column(name: str, cells: list[str], lines: list[int], train: Array, options: TableOptions) -> tuple[Column, Array]:
    """Return a column and its values ``[N]``, which are numbers or the codes of categories."""
    if len(set(cells)) == 1:
        raise UsageError(
            f"{_file(options)}: column {name!r} is {cells[0]!r} in every row: remove it with dataset.drop={name}"
        )
    numbers = [_number(cell) for cell in cells]
    if name in options.numeric or (name not in options.categorical and _looks_numeric(numbers)):
        for cell, number, line in zip(cells, numbers, lines, strict=True):
            if number is None:
                raise UsageError(
                    f"{_file(options)}, line {line}: column {name!r} is {cell!r}, which is not a finite number: "
                    f"correct it, or remove {name!r} from dataset.numeric"
                )
        return _numeric(name, [number for number in numbers if number is not None], train)
    return _categorical(name, cells, train, options)


def _looks_numeric(numbers: list[Decimal | None]) -> bool:
    known = {number for number in numbers if number is not None}
    return None not in numbers and (len(known) > FEW or any(number % 1 for number in known))


def _number(cell: str) -> Decimal | None:
    """Return the finite number in a cell, or None."""
    try:
        number = Decimal(cell)
    except InvalidOperation:
        return None
    return number if number.is_finite() and math.isfinite(float(number)) else None


def _numeric(name: str, numbers: list[Decimal], train: Array) -> tuple[Number, Array]:
    decimals = max(-int(number.as_tuple().exponent) for number in numbers)
    decimals = min(max(decimals, 0), PRECISE)
    values: Array = np.array([float(number) for number in numbers])
    quantiles = np.quantile(spread_values(values[train], decimals, np.random.default_rng(1)), np.linspace(0, 1, KNOTS))
    return Number(name, tuple(np.round(quantiles, decimals + 3).tolist()), decimals), values


def _categorical(name: str, cells: list[str], train: Array, options: TableOptions) -> tuple[Category, Array]:
    categories, codes = np.unique(np.array(cells), return_inverse=True)
    if len(categories) > options.max_categories:
        raise UsageError(
            f"{_file(options)}: column {name!r} has {len(categories):,} categories, more than "
            f"dataset.max_categories={options.max_categories}: remove it (dataset.drop={name}) or raise that limit"
        )
    shares = np.bincount(codes[train], minlength=len(categories)) / train.sum()
    return Category(name, tuple(categories.tolist()), tuple(shares.tolist())), codes
