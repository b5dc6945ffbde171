"""A run's scalars as one CSV file: a row for each number of images, a column for each scalar as it appears."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from ganzoo.plugin import RunView, append, write_atomic
from ganzoo_trackers import TableOptions

Row = dict[str, str]  # by column; what is missing was not measured then
IMAGES = "images"  # the first column


class Table:
    """Writes each row as it comes; where one changes what is there already, the file is replaced, whole or not at all.

    All methods raise GanzooError where the disk does not take it.
    """

    def __init__(self, options: TableOptions) -> None:
        self.options = options

    def start(self, run: RunView) -> None:
        """Take up the table of a run that goes on: rows after its last checkpoint are dropped, they will come again.

        Raises:
            ValueError: The file is not a table of this tracker.
        """
        self.path: Path = run.path / self.options.path
        self.columns = [IMAGES]
        rows = [row for row in self._rows() if int(row[IMAGES]) <= run.images]
        self.last = int(rows[-1][IMAGES]) if rows else -1  # images of the last row
        self._replace(rows)

    def log(self, images: int, scalars: Mapping[str, float]) -> None:
        """Add a row, or to the last row, where that was at as many images."""
        row = {name: repr(float(value)) for name, value in scalars.items()} | {IMAGES: str(images)}
        new = [name for name in row if name not in self.columns]
        if new or images == self.last:
            rows = self._rows()
            self.columns += new
            row = rows.pop() | row if rows and images == self.last else row
            self._replace([*rows, row])
        else:
            append(self.path, self._text([row]))
        self.last = images

    def grid(self, images: int, path: Path) -> None:
        """Do nothing: a table has no pictures."""

    def finish(self, status: str) -> None:
        """Do nothing: all is written."""

    def _rows(self) -> list[Row]:
        """Return the rows of the file, and take up its columns; a last line that a crash cut is left out."""
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline="")))
        if not lines:
            return []
        header, *rows = lines
        if header[:1] != [IMAGES]:
            raise ValueError(f"{self.path} is not a table of scalars: move it away, or set tracker.csv.path")
        self.columns = header
        whole = (row for row in rows if len(row) == len(header) and row[0].isdecimal())
        return [{name: cell for name, cell in zip(header, row, strict=True) if cell} for row in whole]

    def _text(self, rows: Iterable[Row]) -> bytes:
        lines = io.StringIO(newline="")
        csv.DictWriter(lines, self.columns, restval="", lineterminator="\n").writerows(rows)
        return lines.getvalue().encode()

    def _replace(self, rows: list[Row]) -> None:
        """Put a table with these rows in the place of the old one."""
        header = dict(zip(self.columns, self.columns, strict=True))
        write_atomic(self.path, [self._text([header, *rows])])
