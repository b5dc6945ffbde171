"""Trackers, which log a run elsewhere as well: csv."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Tracker, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Where the table is."""

    path: str = option("scalars.csv", help="The file, inside the run's directory.")


@hookimpl
def ganzoo_trackers() -> Iterator[Tracker]:
    """Offer the trackers."""
    yield Tracker(
        name="csv",
        summary="A table of all scalars, scalars.csv in the run's directory, for a spreadsheet or pandas.",
        factory="ganzoo_trackers.table:Table",
        options=TableOptions,
    )
