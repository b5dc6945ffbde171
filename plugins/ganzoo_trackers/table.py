"""A run's scalars as a CSV file: one row for each number of images, one column for each scalar."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from ganzoo.plugin import RunView, append, write_atomic
from ganzoo_trackers import TableOptions

Row = dict[str, str]  # cells by column; a missing cell was not measured
IMAGES = "images"  # the first column


class Table:
    """Appends each row to the file. If a row adds a column or changes the last row, the file is replaced atomically.

    All methods raise GanzooError if the file cannot be written.
    """

    def __init__(self, options: TableOptions) -> None:
        self.options = options

    def start(self, run: RunView) -> None:
        """Read the table of a resumed run. Rows after the last checkpoint are removed: they come again.

        Raises:
            ValueError: The file is not a table of this tracker.
        """
        self.path: Path = run.path / self.options.path
        self.columns = [IMAGES]
        rows = [row for row in self._read_rows() if int(row[IMAGES]) <= run.images]
        self.last = int(rows[-1][IMAGES]) if rows else -1  # the number of images in the last row
        self._replace(rows)

    def log(self, images: int, scalars: Mapping[str, float]) -> None:
        """Add a row. If the last row has the same number of images, add the scalars to that row."""
        row = {name: repr(float(value)) for name, value in scalars.items()} | {IMAGES: str(images)}
        new = [name for name in row if name not in self.columns]
        if new or images == self.last:
            rows = self._read_rows()
            self.columns += new
            row = rows.pop() | row if rows and images == self.last else row
            self._replace([*rows, row])
        else:
            append(self.path, self._format_rows([row]))
        self.last = images

    def grid(self, images: int, path: Path) -> None:
        """Do nothing: a table has no pictures."""

    def finish(self, status: str) -> None:
        """Do nothing: all rows are written already."""

    def _read_rows(self) -> list[Row]:
        """Return the rows of the file and set its columns. A last line that a crash cut off is skipped."""
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline="")))
        if not lines:
            return []
        header, *rows = lines
        if header[:1] != [IMAGES]:
            raise ValueError(f"{self.path} is not a table of scalars: move it, or set tracker.csv.path")
        self.columns = header
        whole = (row for row in rows if len(row) == len(header) and row[0].isdecimal())
        return [{name: cell for name, cell in zip(header, row, strict=True) if cell} for row in whole]

    def _format_rows(self, rows: Iterable[Row]) -> bytes:
        lines = io.StringIO(newline="")
        csv.DictWriter(lines, self.columns, restval="", lineterminator="\n").writerows(rows)
        return lines.getvalue().encode()

    def _replace(self, rows: list[Row]) -> None:
        """Replace the table by a table with these rows."""
        header = dict(zip(self.columns, self.columns, strict=True))
        write_atomic(self.path, [self._format_rows([header, *rows])])
