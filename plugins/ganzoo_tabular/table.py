"""The dataset `table`: the rows of a CSV file as numbers, and the conditions by which CTGAN is trained."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo
from ganzoo_tabular import TableOptions
from ganzoo_tabular.columns import MISSING, Array, Category, Column, Number, list_condition_places, write_meta
from ganzoo_tabular.mixture import fit_mixture
from ganzoo_tabular.reading import Cells, read_table

PRECISE = 12  # the largest number of decimals
DIGITS = 6  # of the numbers that describe modes; they are the same on all machines
SEED = 0  # of the modes: the same file has the same columns in every run


class Table:
    """The rows of a CSV file, float32 ``[N, D]``: for each column its block (`ganzoo_tabular.columns`).

    A class is a condition, one category of one column: ``cut=Ideal``. Each row has as many classes as there are columns
    of categories, so labels are drawn: of a row by `condition`, with the natural frequencies, and in training by
    `resampling`.

    Args:
        options: The file and the kinds of its columns.

    Raises:
        NotFound: The file does not exist or cannot be read.
        UsageError: The file is not such a table. The text names the line or the column, and the way out.
    """

    def __init__(self, options: TableOptions) -> None:
        draws, columns, blocks = np.random.default_rng(SEED), list[Column](), list[Array]()
        for cells in read_table(options):
            column, values = _describe_numbers(cells) if cells.numbers else _describe_categories(cells)
            columns.append(column)
            blocks.append(column.encode(values, draws))
        self.data: Array = np.hstack(blocks).astype(np.float32)
        places = list_condition_places(columns)
        meta: dict[str, Any] = {"columns": write_meta(columns)}
        self.condition = self.resampling = None
        if places:
            counts = self.data[:, places].sum(0, dtype=np.float64)  # [C]
            named = [column for column in columns if isinstance(column, Category)]
            meta["classes"] = [f"{column.name}={category}" for column in named for category in column.categories]
            meta["class_shares"] = [round(float(count) / len(self.data) / len(named), 12) for count in counts]
            self.condition = Condition(places, np.ones(len(places)))
            self.resampling = TrainingBySampling(self.data, places, named)
        self.info = DataInfo(
            shape=self.data.shape[1:],
            dtype="float32",
            num_classes=len(places),
            num_items=len(self.data),
            modality="tabular",
            meta=meta,
        )


class Condition(nn.Module):
    """Draws a class of each row: one of its categories, as likely as the odds of that category say.

    Args:
        places: The place in a row of each class.
        odds: The odds of each class. With equal ones, all columns of categories are equally likely.
    """

    places: Tensor
    odds: Tensor

    def __init__(self, places: Sequence[int], odds: Array) -> None:
        super().__init__()
        self.register_buffer("places", torch.tensor(places))
        self.register_buffer("odds", torch.from_numpy(odds / odds.max()).float())

    def forward(self, real: Tensor, generator: torch.Generator) -> Tensor:
        """Return a class int64 ``[n]`` of each of the rows ``[n, D]``."""
        return torch.multinomial(real[:, self.places] * self.odds, 1, generator=generator).squeeze(1)


@dataclass(frozen=True, init=False)
class TrainingBySampling:
    """How CTGAN is trained (Xu et al. 2019, section 4.3): a column, a category of it, and then a row that has it.

    All columns of categories are equally likely. A category is as likely as the logarithm of its number of rows; here
    of that number and one, so that a category of one row is trained too. All rows of a category are equally likely.

    The same is drawn in another order here: first a row, with `weights` ``[N]``, then one of its categories, by
    `condition`. For a row r with the category k_i in column i, where n_ik rows have that category, and q_ik is its
    probability, r has the weight sum_i q_ik / n_ik, and k_i the share q_ik / n_ik of it.

    Args:
        data: The rows ``[N, D]``.
        places: The place in a row of each class.
        columns: The columns of categories.
    """

    weights: Array
    condition: Condition

    def __init__(self, data: Array, places: Sequence[int], columns: Sequence[Category]) -> None:
        codes = data[:, places].astype(np.float64)  # [N, C]
        counts = codes.sum(0)
        odds = compute_probabilities(counts, [column.width for column in columns]) / counts
        object.__setattr__(self, "weights", codes @ odds / len(columns))
        object.__setattr__(self, "condition", Condition(places, odds))


def compute_probabilities(counts: Array, widths: Sequence[int]) -> Array:
    """Return the probability ``[C]`` of each category in its column, log(1 + n) over the sum of these.

    Args:
        counts: The number n of rows of each category, ``[C]``.
        widths: The number of categories of each column.
    """
    parts = np.split(np.log1p(counts), np.cumsum(widths)[:-1])
    return np.concatenate([part / part.sum() for part in parts])


# ----------------------------------------------------------------------------
# Columns.


def _describe_numbers(cells: Cells) -> tuple[Number, Array]:
    """Return a column of numbers and its values ``[N]``, NaN if missing."""
    numbers = cells.numbers or []
    known = [number for number in numbers if number is not None]
    values = np.array([math.nan if number is None else float(number) for number in numbers])
    given = values[~np.isnan(values)]
    mixture = fit_mixture(given, SEED)
    low, high = _round_outwards(given.min(), given.max())
    column = Number(
        name=cells.name,
        weights=_round(mixture.weights),
        means=_round(mixture.means),
        stds=_round(mixture.stds),
        low=low,
        high=high,
        decimals=min(max(0, *(-_exponent(number) for number in known)), PRECISE),
        missing=len(known) < len(numbers),
    )
    return column, values


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _round_outwards(low: float, high: float) -> tuple[float, float]:
    """Return limits around two numbers: multiples of a power of ten that is a tenth to a hundredth of their distance.

    The numbers themselves are those of a row, which no model may contain.
    """
    step = 10.0 ** (math.floor(math.log10(high - low)) - 1)
    return tuple(float(f"{number * step:.12g}") for number in (math.floor(low / step), math.ceil(high / step)))  # type: ignore[return-value]


def _round(values: Array) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)


def _describe_categories(cells: Cells) -> tuple[Category, Array]:
    """Return a column of categories and its codes ``[N]``. An empty cell is a category too."""
    categories, codes = np.unique(np.array(cells.cells), return_inverse=True)
    return Category(cells.name, tuple(map(str, categories))), codes


# ----------------------------------------------------------------------------
# A small table, to check the dataset with.


def write_example(folder: Path) -> dict[str, Any]:
    """Write a small table with missing cells, and return the options that open it."""
    draws, path = np.random.default_rng(0), folder / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "plan", "paid"])
        for number in range(200):
            plan = draws.choice(["basic", "plus", MISSING], p=[0.6, 0.3, 0.1])
            paid = MISSING if number % 10 == 3 else f"{draws.normal(80 if plan == 'plus' else 20, 5):.2f}"
            writer.writerow([round(draws.normal(40, 8)), plan, paid])
    return {"path": str(path)}
