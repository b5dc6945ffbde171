"""The columns of a table: from cells to the numbers that networks see, and back.

A number becomes a scalar and the one-hot code of a mode of its column (mode-specific normalisation: Xu et al. 2019,
arXiv:1907.00503, section 4.2), a category a one-hot code. Decoding needs only the JSON in ``info.meta["columns"]``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_tabular.mixture import Mixture

REACH = 4.0  # standard deviations from the mean of a mode, where the scalar is 1
MISSING = ""  # the category, and the cell, of a missing value
WAY_OUT = "choose a dataset that describes its columns, such as --dataset FILE.csv"

Array = NDArray[Any]


@dataclass(frozen=True)
class Number:
    """A column of numbers. Its block is the scalar, the one-hot code of the mode, and a one if the number is missing.

    Args:
        name: The name of the column.
        weights, means, stds: The modes, as in `Mixture`.
        low, high: The limits of all numbers, rounded outwards so that they are not the numbers of a row.
        decimals: The number of decimals in the table; 0 for whole numbers.
        missing: Whether numbers are missing in some rows.
    """

    kind: ClassVar[str] = "number"

    name: str
    weights: tuple[float, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]
    low: float
    high: float
    decimals: int
    missing: bool

    def __post_init__(self) -> None:
        for key in ("weights", "means", "stds"):
            object.__setattr__(self, key, tuple(map(float, getattr(self, key))))
        if not 0 < len(self.means) == len(self.stds) == len(self.weights) or min(self.stds) <= 0:
            raise ValueError("a number needs a weight, a mean and a positive deviation for each mode")
        if not self.low <= self.high:
            raise ValueError(f"the limits {self.low} and {self.high} are not in order")

    @property
    def width(self) -> int:
        """The length of its block."""
        return 1 + len(self.means) + self.missing

    @property
    def mixture(self) -> Mixture:
        """The modes."""
        return Mixture(np.array(self.weights), np.array(self.means), np.array(self.stds))

    def encode(self, values: Array, draws: np.random.Generator) -> Array:
        """Return the block ``[N, width]`` of values ``[N]``, where NaN is missing.

        The mode of each value is drawn with the probability of the mode, given the value. The scalar is
        (value - mean) / (4 std). It is beyond [-1, 1], where no generator comes, for a value far from all modes.
        """
        mixture, known = self.mixture, ~np.isnan(values)
        shares = mixture.compute_responsibilities(np.where(known, values, self.means[0]))
        modes = (draws.random((len(values), 1)) > shares.cumsum(1)[:, :-1]).sum(1)
        scalars = (values - mixture.means[modes]) / (REACH * mixture.stds[modes])
        codes = np.eye(self.width - 1)[np.where(known, modes, len(self.means))]
        return np.hstack([np.where(known, scalars, 0.0)[:, None], codes])

    def decode(self, block: Array) -> Array:
        """Return the values ``[N]`` of a block ``[N, width]``, within the limits and rounded; NaN if missing."""
        codes, scalars = np.argmax(block[:, 1:], axis=1), block[:, 0].astype(np.float64)
        modes = np.minimum(codes, len(self.means) - 1)
        values = np.array(self.means)[modes] + REACH * np.array(self.stds)[modes] * scalars
        rounded = np.round(np.clip(values, self.low, self.high), self.decimals) + 0.0  # + 0.0 turns -0 into 0
        found: Array = np.where(codes < len(self.means), rounded, np.nan)
        return found

    def write_cells(self, block: Array) -> list[str]:
        """Return the cells ``[N]`` of a block."""
        return [MISSING if np.isnan(value) else f"{value:.{self.decimals}f}" for value in self.decode(block)]


@dataclass(frozen=True)
class Category:
    """A column of categories. Its block is a one-hot code.

    Args:
        name: The name of the column.
        categories: The cells that are in the column, sorted; an empty one if some are missing.
    """

    kind: ClassVar[str] = "category"

    name: str
    categories: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", tuple(map(str, self.categories)))
        if len(set(self.categories)) != len(self.categories) or len(self.categories) < 2:
            raise ValueError("categories must be two or more, and differ")

    @property
    def width(self) -> int:
        """The length of its block."""
        return len(self.categories)

    def encode(self, codes: Array, draws: np.random.Generator) -> Array:
        """Return the block ``[N, width]`` of codes ``[N]``."""
        return np.eye(self.width)[codes]

    def decode(self, block: Array) -> Array:
        """Return the codes ``[N]`` of a block ``[N, width]``: the places of the largest numbers."""
        codes: Array = np.argmax(block, axis=1)
        return codes

    def write_cells(self, block: Array) -> list[str]:
        """Return the cells ``[N]`` of a block."""
        return [self.categories[code] for code in self.decode(block)]


Column = Number | Category

# ----------------------------------------------------------------------------
# Columns as JSON.


def write_meta(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return columns as JSON, for ``info.meta["columns"]``."""
    return [{"kind": column.kind} | asdict(column) for column in columns]


def read_columns(info: DataInfo) -> list[Column]:
    """Return the columns that an info describes.

    Raises:
        UsageError: The info has no columns, or columns that do not fit its shape.
    """
    entries = info.meta.get("columns")
    if not entries:
        raise UsageError(f"the data's meta has no 'columns' for its {info.shape[0]} numbers a row: {WAY_OUT}")
    try:
        columns = [_read_column(**entry) for entry in entries]
    except (TypeError, KeyError, ValueError) as error:
        raise UsageError(f"the data's meta has 'columns' of another kind ({error}): {WAY_OUT}") from None
    if info.shape != (width := sum(column.width for column in columns),):
        raise UsageError(f"the data's meta has columns of {width} numbers, but its shape is {info.shape}: {WAY_OUT}")
    return columns


def _read_column(*, kind: str, **fields: Any) -> Column:
    kinds: dict[str, type[Column]] = {"number": Number, "category": Category}
    return kinds[kind](**fields)


def list_blocks(columns: Sequence[Column]) -> Iterator[tuple[Column, slice]]:
    """Yield each column with its part of a row."""
    start = 0
    for column in columns:
        yield column, slice(start, start + column.width)
        start += column.width


def list_condition_places(columns: Sequence[Column]) -> list[int]:
    """Return the place in a row of each condition: of each category of each column of categories, in order."""
    blocks = ((column, range(part.start, part.stop)) for column, part in list_blocks(columns))
    return [place for column, part in blocks if isinstance(column, Category) for place in part]


# ----------------------------------------------------------------------------
# Rows as text.


def write_csv(samples: Array, info: DataInfo) -> str:
    """Return rows ``[N, D]`` as CSV, whose first line names the columns."""
    columns = read_columns(info)
    cells = [column.write_cells(samples[:, part]) for column, part in list_blocks(columns)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue()


def show(samples: Array, info: DataInfo) -> dict[str, bytes]:
    """Return the file that shows rows: a CSV file."""
    return {"rows.csv": write_csv(samples, info).encode()}
