"""Reading a CSV file: its columns as cells, and the kind of each column."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ganzoo.plugin import NotFound, UsageError
from ganzoo_tabular import TableOptions

FEW = 10  # a column of whole numbers with at most so many different ones has categories
NO_NUMBER = ("", "na", "n/a", "nan", "null", "none", "?")  # how tables write a missing number, in small letters
MOST = 0.5  # the share of cells that are numbers, from which on a column is one of numbers


@dataclass(frozen=True)
class Cells:
    """A column as it is in the file.

    Args:
        name: The name of the column.
        cells: The cell of each row, without spaces around it.
        numbers: The number of each row, None where it is missing; None for a column of categories.
    """

    name: str
    cells: list[str]
    numbers: list[Decimal | None] | None


def read_table(options: TableOptions) -> list[Cells]:
    """Read the columns of a CSV file, without those to ignore. A column without a name is ``column-NUMBER``.

    Raises:
        NotFound: The file does not exist or cannot be read.
        UsageError: The file is not such a table. The text names the line or the column, and the way out.
    """
    if not options.path:
        raise UsageError("dataset 'table' needs a CSV file: add --dataset FILE.csv")
    reader = csv.reader(io.StringIO(_read_text(options.path), newline=""))
    rows, lines = list[list[str]](), list[int]()
    try:
        header = [name.strip() or f"column-{number}" for number, name in enumerate(next(reader, []), 1)]
        _check_header(header, options)
        for row in filter(None, reader):
            if len(row) != len(header):
                words = f"{len(row)} cells where the first line names {len(header)} columns"
                raise UsageError(f"{options.path!r}, line {reader.line_num}: {words}: correct the line")
            rows.append([cell.strip() for cell in row])
            lines.append(reader.line_num)
    except csv.Error as error:
        raise UsageError(f"{options.path!r}, line {reader.line_num}: not CSV ({error}): correct the line") from None
    if not rows:
        raise UsageError(f"{options.path!r} has no row: give a table that has some")
    columns = {name: list(cells) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}
    return [_read_column(name, columns[name], lines, options) for name in header if name not in options.ignore]


def _read_text(path: str) -> str:
    """Return the text of a file, which may be compressed by gzip."""
    try:
        content = Path(path).expanduser().read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{path!r}, line {line}: not UTF-8: save the file as UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path!r} is compressed and damaged ({str(error).rstrip('.')}): copy it again") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NotFound(f"{path!r} cannot be read ({why}): give a CSV file with --dataset FILE.csv") from None


def _check_header(header: Sequence[str], options: TableOptions) -> None:
    """Raise UsageError if a name is there twice, or if an option names a column that is not there."""
    path = options.path
    if not header:
        raise UsageError(f"{path!r} is empty: its first line must name the columns")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UsageError(f"{path!r}: the first line names column {twice[0]!r} twice: correct it")
    for key in ("categories", "numbers", "ignore"):
        for name in getattr(options, key):
            if name not in header:
                raise UsageError(f"dataset.{key}: {path!r} has no column {name!r}: it has {', '.join(header)}")
    both = set(options.categories) & set(options.numbers)
    if both:
        raise UsageError(f"dataset.categories and dataset.numbers both name {min(both)!r}: remove it from one of them")
    if set(header) <= set(options.ignore):
        raise UsageError("dataset.ignore names all columns: name fewer")


def _read_column(name: str, cells: list[str], lines: Sequence[int], options: TableOptions) -> Cells:
    """Find the kind of a column.

    Raises:
        UsageError: The column has one value alone, too many categories, or a cell that is not a number.
    """
    where = f"{options.path!r}: column {name!r}"
    if len(set(cells)) == 1:
        raise UsageError(f"{where} is {cells[0]!r} in every row: remove it with dataset.ignore={name}")
    known = {cell: _read_number(cell) for cell in set(cells)}
    if name in options.numbers or (name not in options.categories and _is_number(cells, known)):
        for cell, line in zip(cells, lines, strict=True):
            if known[cell] is None and cell.lower() not in NO_NUMBER:
                raise UsageError(
                    f"{options.path!r}, line {line}: column {name!r} is {cell!r}, and nearly all of its other cells "
                    f"are numbers: correct it, leave it empty, or read categories with dataset.categories={name}"
                )
        numbers = [known[cell] for cell in cells]
        if len({number for number in numbers if number is not None}) < 2:
            raise UsageError(f"{where} has one number alone: remove it with dataset.ignore={name}")
        return Cells(name, cells, numbers)
    num = len(set(cells))
    if num > options.max_categories:
        raise UsageError(
            f"{where} has {num:,} categories, more than dataset.max_categories={options.max_categories}: remove it "
            f"with dataset.ignore={name}, or raise that limit"
        )
    return Cells(name, cells, None)


def _read_number(cell: str) -> Decimal | None:
    """Return the finite number in a cell, or None."""
    try:
        number = Decimal(cell)
    except InvalidOperation:
        return None
    return number if number.is_finite() and math.isfinite(float(number)) else None


def _is_number(cells: Sequence[str], known: dict[str, Decimal | None]) -> bool:
    """Whether a column is one of numbers: most cells are numbers, and they are many, or not all whole."""
    numbers = {number for number in known.values() if number is not None}
    if len(numbers) <= FEW and all(number % 1 == 0 for number in numbers):
        return False
    given = [cell for cell in cells if cell.lower() not in NO_NUMBER]
    return sum(known[cell] is not None for cell in given) > MOST * len(given)
