"""Tables: rows of numbers and categories from a CSV file, and CTGAN, which generates such rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Dataset, hookimpl, option

PAPER = (
    "Lei Xu, Maria Skoularidou, Alfredo Cuesta-Infante & Kalyan Veeramachaneni 2019, Modeling Tabular data using "
    "Conditional GAN, arXiv:1907.00503"
)


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Options of `table`."""

    path: str = option("", help="Path of the CSV file, whose first line names the columns; --dataset PATH sets it.")
    categories: tuple[str, ...] = option((), help="Columns to read as categories, though their cells are numbers.")
    numbers: tuple[str, ...] = option((), help="Columns to read as numbers, though they have few different ones.")
    ignore: tuple[str, ...] = option((), help="Columns to leave out.")
    max_categories: int = option(200, help="The largest number of categories of a column.", low=2)


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the dataset."""
    yield Dataset(
        name="table",
        summary="A CSV file of numbers and categories; each number with its mode, as CTGAN reads them.",
        factory="ganzoo_tabular.table:Table",
        options=TableOptions,
        similar_to=dict.fromkeys(("csv", "tabular", "spreadsheet"), "--dataset FILE.csv"),
        paper=f"{PAPER}, section 4.2",
        label_rule="it has columns of categories",
        path_option="path",
        path_suffixes=(".csv", ".csv.gz"),
        show="ganzoo_tabular.columns:show",
        num_shown=1000,
        examples="ganzoo_tabular.table:write_example",
    )
