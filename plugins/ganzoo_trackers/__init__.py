"""Trackers: csv."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Tracker, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Options of `csv`."""

    path: str = option("scalars.csv", help="Path of the file in the run's directory.")


@hookimpl
def ganzoo_trackers() -> Iterator[Tracker]:
    """Offer the trackers."""
    yield Tracker(
        name="csv",
        summary="A table of all scalars for a spreadsheet or pandas: scalars.csv in the run's directory.",
        factory="ganzoo_trackers.table:Table",
        options=TableOptions,
        similar_to=dict.fromkeys(
            ("tensorboard", "tb", "wandb", "mlflow", "comet", "neptune", "clearml", "aim"),
            "--tracker csv, a table for spreadsheets and pandas",
        ),
    )
