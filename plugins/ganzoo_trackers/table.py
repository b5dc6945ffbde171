"""A run's scalars as one CSV file: a row for each number of images, a column for each scalar as it appears."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from ganzoo_trackers import TableOptions

Row = dict[str, str]  # by column; what is missing was not measured then
IMAGES = "images"  # the first column


class Run(Protocol):
    """What is asked of a run."""

    @property
    def path(self) -> Path:
        """Its directory."""

    @property
    def images(self) -> int:
        """Images seen at its last checkpoint."""


class Table:
    """Writes each row as it comes; where one changes what is there already, the file is replaced, whole or not at all.

    All methods raise OSError where the disk does not take it.
    """

    def __init__(self, options: TableOptions) -> None:
        self.options = options

    def start(self, run: Run) -> None:
        """Take up the table of a run that goes on: rows after its last checkpoint are dropped, they will come again.

        Raises:
            ValueError: The file is no table of this tracker.
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
            self._append(self._text([row]))
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
            raise ValueError(f"{self.path} is no table of scalars: move it away, or set tracker.csv.path")
        self.columns = header
        whole = (row for row in rows if len(row) == len(header) and row[0].isdecimal())
        return [{name: cell for name, cell in zip(header, row, strict=True) if cell} for row in whole]

    def _text(self, rows: Iterable[Row]) -> bytes:
        lines = io.StringIO(newline="")
        csv.DictWriter(lines, self.columns, restval="", lineterminator="\n").writerows(rows)
        return lines.getvalue().encode()

    def _append(self, line: bytes) -> None:
        """Append a line, or nothing of it: half a line on a full disk would spoil the table."""
        with self.path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                while line:
                    line = line[file.write(line) :]
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(size)
                raise

    def _replace(self, rows: list[Row]) -> None:
        """Put a table with these rows in the place of the old one."""
        header = dict(zip(self.columns, self.columns, strict=True))
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")  # a run clears those as it starts
        try:
            with temporary.open("wb") as file:
                file.write(self._text([header, *rows]))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
