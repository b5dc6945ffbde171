"""The columns of a table: from text to the numbers that networks see, and back.

A number becomes a standard normal one by its quantiles (the rank transform: u = F(x), v = Phi^-1(u)), whatever its
distribution: several modes, a long tail, few values. F is piecewise linear between evenly spaced quantiles of the
training rows. A value that was written with so many decimals stands for all that are rounded to it, and is spread
over them at random, so that no two are equal and F is continuous; rounding undoes it. A category becomes a one-hot
block. All that decoding needs is the JSON in ``info.meta["columns"]``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.plugin import DataInfo, UsageError

KNOTS = 257  # quantiles of a number: F is exact within 1/256
EDGE = 1e-4  # u stays this far from 0 and 1: v within +-3.72
STEP = 0.98  # of the last decimal, over which a value is spread: float32 finds the way back

Array = NDArray[Any]


@dataclass(frozen=True)
class Number:
    """A numeric column.

    Args:
        name: Of the column.
        quantiles: Of the spread values, at evenly spaced u from 0 to 1; they do not fall.
        decimals: With how many its values are written; 0 for whole numbers.
    """

    kind: ClassVar[str] = "number"
    width: ClassVar[int] = 1

    name: str
    quantiles: tuple[float, ...]
    decimals: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantiles", tuple(map(float, self.quantiles)))
        if len(self.quantiles) < 2 or not np.all(np.diff(self.quantiles) >= 0):
            raise ValueError("quantiles must be two or more that do not fall")

    def encode(self, values: Array, draws: np.random.Generator) -> Array:
        """Return ``[N, 1]``, standard normal for the training rows, of values ``[N]``."""
        u = np.interp(spread(values, self.decimals, draws), self.quantiles, self._grid)
        normal: Array = torch.special.ndtri(torch.from_numpy(u)).numpy()
        return normal[:, None]

    def decode(self, block: Array) -> Array:
        """Return values ``[N]`` in the column's own unit, rounded as it is written, of ``[N, 1]``."""
        rounded: Array = np.round(self.spread_values(block), self.decimals) + 0.0  # no -0
        return rounded

    def spread_values(self, block: Array) -> Array:
        """Return values ``[N]`` before they are rounded, of ``[N, 1]``."""
        u = torch.special.ndtr(torch.from_numpy(block[:, 0].astype(np.float64))).numpy()
        values: Array = np.interp(u, self._grid, self.quantiles)
        return values

    @property
    def _grid(self) -> Array:
        return np.linspace(EDGE, 1 - EDGE, len(self.quantiles))

    def written(self, block: Array) -> list[str]:
        """Return the cells ``[N]`` of ``[N, 1]``."""
        return [f"{value:.{self.decimals}f}" for value in self.decode(block)]


@dataclass(frozen=True)
class Category:
    """A categorical column.

    Args:
        name: Of the column.
        categories: Its values, sorted.
        shares: Of the training rows; they sum to 1.
    """

    kind: ClassVar[str] = "category"

    name: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", tuple(map(str, self.categories)))
        object.__setattr__(self, "shares", tuple(map(float, self.shares)))
        if len(self.categories) < 2 or len(self.categories) != len(self.shares):
            raise ValueError("categories must be two or more, with a share each")

    @property
    def width(self) -> int:
        """How many numbers of a row it takes."""
        return len(self.categories)

    def encode(self, codes: Array, draws: np.random.Generator) -> Array:
        """Return one-hot ``[N, width]`` of codes ``[N]``."""
        return np.eye(self.width)[codes]

    def decode(self, block: Array) -> Array:
        """Return the likeliest codes ``[N]`` of ``[N, width]``."""
        codes: Array = np.argmax(block, axis=1)
        return codes

    def written(self, block: Array) -> list[str]:
        """Return the cells ``[N]`` of ``[N, width]``."""
        return [self.categories[code] for code in self.decode(block)]


Column = Number | Category


def spread(values: Array, decimals: int, draws: np.random.Generator) -> Array:
    """Return each value drawn evenly from all that are rounded to it."""
    return values + (draws.random(len(values)) - 0.5) * STEP * 10.0**-decimals


# ----------------------------------------------------------------------------
# As JSON.


def to_meta(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return columns as JSON, for ``info.meta["columns"]``."""
    listed = [{name: _listed(value) for name, value in asdict(column).items()} for column in columns]
    return [{"kind": column.kind} | fields for column, fields in zip(columns, listed, strict=True)]


def columns_of(info: DataInfo) -> list[Column]:
    """Return the columns that an info describes.

    Raises:
        UsageError: It has none, or others than its shape says.
    """
    way_out = "take a dataset that says its columns, such as --dataset table"
    entries = info.meta.get("columns")
    if not entries:
        raise UsageError(f"the data's meta has no 'columns', without which a row is {info.shape[0]} numbers: {way_out}")
    try:
        columns = [_column(**entry) for entry in entries]
    except (TypeError, KeyError, ValueError) as error:
        raise UsageError(f"the data's meta has damaged 'columns' ({error}): {way_out}") from None
    if info.shape != (width := sum(column.width for column in columns),):
        raise UsageError(f"the data's meta has columns of {width} numbers, its shape is {info.shape}: {way_out}")
    return columns


def blocks(columns: Sequence[Column]) -> Iterator[tuple[Column, slice]]:
    """Yield each column with the slice of a row that it takes."""
    start = 0
    for column in columns:
        yield column, slice(start, start + column.width)
        start += column.width


def to_csv(samples: Array, info: DataInfo) -> str:
    """Return rows ``[N, D]`` as CSV with a header, in the table's own words and units."""
    columns = columns_of(info)
    cells = [column.written(samples[:, part]) for column, part in blocks(columns)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue()


def _column(*, kind: str, **fields: Any) -> Column:
    kinds: dict[str, type[Column]] = {"number": Number, "category": Category}
    return kinds[kind](**fields)


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
