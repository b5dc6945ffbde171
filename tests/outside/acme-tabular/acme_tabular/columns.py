"""The columns of a table: from text to the numbers that networks see, and back.

The quantiles of a column map its numbers to a standard normal distribution (the rank transform: u = F(x),
v = Phi^-1(u)). F is piecewise linear between evenly spaced quantiles of the training rows. A written value stands for
all numbers that are rounded to it. Each value is first spread over these numbers at random, so that no two are equal
and F is continuous; rounding reverses this. A category becomes a one-hot block. Decoding needs only the JSON in
``info.meta["columns"]``.
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
EDGE = 1e-4  # the least distance of u to 0 and 1, so that v is within +-3.72
STEP = 0.98  # of the last decimal: the range over which a value is spread, which float32 can reverse

Array = NDArray[Any]


@dataclass(frozen=True)
class Number:
    """A numeric column.

    Args:
        name: The name of the column.
        quantiles: The quantiles of the spread values at evenly spaced u from 0 to 1, in order.
        decimals: The number of decimals in the table; 0 for whole numbers.
    """

    kind: ClassVar[str] = "number"
    width: ClassVar[int] = 1

    name: str
    quantiles: tuple[float, ...]
    decimals: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantiles", tuple(map(float, self.quantiles)))
        if len(self.quantiles) < 2 or not np.all(np.diff(self.quantiles) >= 0):
            raise ValueError("quantiles must be two or more, in order")

    def encode(self, values: Array, draws: np.random.Generator) -> Array:
        """Return the block ``[N, 1]`` of values ``[N]``; it is standard normal for the training rows."""
        u = np.interp(spread_values(values, self.decimals, draws), self.quantiles, self._grid)
        normal: Array = torch.special.ndtri(torch.from_numpy(u)).numpy()
        return normal[:, None]

    def decode(self, block: Array) -> Array:
        """Return the values ``[N]`` of a block ``[N, 1]``, in the column's unit and with its decimals."""
        rounded: Array = np.round(self.decode_unrounded(block), self.decimals) + 0.0  # + 0.0 turns -0 into 0
        return rounded

    def decode_unrounded(self, block: Array) -> Array:
        """Return the values ``[N]`` of a block ``[N, 1]`` before they are rounded."""
        u = torch.special.ndtr(torch.from_numpy(block[:, 0].astype(np.float64))).numpy()
        values: Array = np.interp(u, self._grid, self.quantiles)
        return values

    @property
    def _grid(self) -> Array:
        return np.linspace(EDGE, 1 - EDGE, len(self.quantiles))

    def write_cells(self, block: Array) -> list[str]:
        """Return the cells ``[N]`` of a block ``[N, 1]``."""
        return [f"{value:.{self.decimals}f}" for value in self.decode(block)]


@dataclass(frozen=True)
class Category:
    """A categorical column.

    Args:
        name: The name of the column.
        categories: The values of the column, sorted.
        shares: The share of each category in the training rows.
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
        """The number of its columns in the encoded rows."""
        return len(self.categories)

    def encode(self, codes: Array, draws: np.random.Generator) -> Array:
        """Return the one-hot block ``[N, width]`` of codes ``[N]``."""
        return np.eye(self.width)[codes]

    def decode(self, block: Array) -> Array:
        """Return the most probable codes ``[N]`` of a block ``[N, width]``."""
        codes: Array = np.argmax(block, axis=1)
        return codes

    def write_cells(self, block: Array) -> list[str]:
        """Return the cells ``[N]`` of a block ``[N, width]``."""
        return [self.categories[code] for code in self.decode(block)]


Column = Number | Category


def spread_values(values: Array, decimals: int, draws: np.random.Generator) -> Array:
    """Return random numbers near the values, so that rounding them gives the values again."""
    return values + (draws.random(len(values)) - 0.5) * STEP * 10.0**-decimals


# ----------------------------------------------------------------------------
# Columns as JSON.


def write_meta(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Convert columns to JSON, for ``info.meta["columns"]``."""
    listed = [{name: _listed(value) for name, value in asdict(column).items()} for column in columns]
    return [{"kind": column.kind} | fields for column, fields in zip(columns, listed, strict=True)]


def read_columns(info: DataInfo) -> list[Column]:
    """Read the columns from an info.

    Raises:
        UsageError: The info has no columns, or columns that do not fit its shape.
    """
    way_out = "choose a dataset that describes its columns, such as --dataset rides"
    entries = info.meta.get("columns")
    if not entries:
        raise UsageError(f"the data's meta has no 'columns' for its {info.shape[0]} numbers a row: {way_out}")
    try:
        columns = [_column(**entry) for entry in entries]
    except (TypeError, KeyError, ValueError) as error:
        raise UsageError(f"the data's meta has damaged 'columns' ({error}): {way_out}") from None
    if info.shape != (width := sum(column.width for column in columns),):
        raise UsageError(f"the data's meta has columns of {width} numbers, but its shape is {info.shape}: {way_out}")
    return columns


def list_blocks(columns: Sequence[Column]) -> Iterator[tuple[Column, slice]]:
    """Yield each column with the slice of the row that is its block."""
    start = 0
    for column in columns:
        yield column, slice(start, start + column.width)
        start += column.width


def to_csv(samples: Array, info: DataInfo) -> str:
    """Convert rows ``[N, D]`` to CSV with a header, with the units and categories of the table."""
    columns = read_columns(info)
    cells = [column.write_cells(samples[:, part]) for column, part in list_blocks(columns)]
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
