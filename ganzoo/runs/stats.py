"""The statistics of a run as a table: a column for each name. numpy is imported when the table is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ganzoo.errors import MissingPlugin
from ganzoo.runs.display import format_value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN = 5  # rows that a notebook shows of the start, and of the end
PANDAS = "a data frame needs pandas: python -m pip install pandas"


class Stats(dict[str, "NDArray[np.float64]"]):
    """The statistics of a run: one numpy array for each name, all of one length. A notebook shows a table.

    A row is a number of images seen. A value that was not measured then is NaN. ``images`` are whole numbers.

    Args:
        rows: The rows of ``stats.jsonl``. Rows of the same ``images`` become one.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        import numpy as np

        merged: dict[int, dict[str, float]] = {}
        for row in rows:
            numbers = {name: value for name, value in row.items() if isinstance(value, (int, float))}
            merged.setdefault(row["images"], {}).update(numbers)
        names = dict.fromkeys(["images", *(name for row in merged.values() for name in row)])
        table = [merged[images] for images in sorted(merged)]
        super().__init__({name: np.array([row.get(name, np.nan) for row in table], dtype=np.float64) for name in names})
        self["images"] = self["images"].astype(np.int64)

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return len(self["images"])

    def to_pandas(self) -> Any:
        """Return the table as a data frame of pandas, whose index is ``images``.

        Raises:
            MissingPlugin: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingPlugin(PANDAS) from None
        return pandas.DataFrame(dict(self)).set_index("images")

    def __repr__(self) -> str:
        return f"<Stats of {self.num_rows} rows: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        count = self.num_rows
        numbers = [*range(count)] if count <= 2 * SHOWN else [*range(SHOWN), None, *range(count - SHOWN, count)]
        head = "".join(f"<th>{escape(name)}</th>" for name in self)
        rows = ["".join(f"<td>{self._format(name, number)}</td>" for name in self) for number in numbers]
        body = "".join(f"<tr>{cells}</tr>" for cells in rows)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div style="overflow-x: auto">{table}</div><div>{count} rows, {len(self)} columns</div>'

    def _format(self, name: str, number: int | None) -> str:
        """Return a cell as text; empty where nothing was measured."""
        if number is None:
            return "…"
        value = self[name][number]
        if name == "images":
            return f"{value:,}"
        return "" if value != value else format_value(float(value))
