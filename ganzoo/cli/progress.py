"""How a run's progress looks: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ganzoo.runs.words import sentence

PLAIN_SECONDS = 10.0  # between two plain lines


class Live:
    """A line on a terminal that is rewritten at each tick; notes scroll above it."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._progress = Progress(
            BarColumn(bar_width=20), TextColumn("{task.description}"), console=Console(stderr=True, highlight=False)
        )
        self._task = self._progress.add_task("starting", total=total)

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def note(self, line: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(line, markup=False)

    def tick(self, row: dict[str, Any]) -> None:
        """Move the bar."""
        self._progress.update(
            self._task, completed=min(row["images"], self._total), description=sentence(row, self._total)
        )


class Plain:
    """Lines for a log file or a pipe: notes at once, numbers now and then and at the end."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._last = float("-inf")

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def note(self, line: str) -> None:
        """Print a line."""
        click.echo(line, err=True)

    def tick(self, row: dict[str, Any]) -> None:
        """Print the numbers, where the last ones are old."""
        if row["seconds"] - self._last >= PLAIN_SECONDS or row["images"] >= self._total:
            self._last = row["seconds"]
            click.echo(sentence(row, self._total), err=True)


def listener(total: int) -> Live | Plain:
    """Return what suits stderr."""
    return Live(total) if Console(stderr=True).is_terminal else Plain(total)
