"""Progress of a run: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, TextColumn

from ganzoo.cli.common import CONTROL, note
from ganzoo.runs.words import describe_metrics, describe_tick, describe_verdict

if TYPE_CHECKING:
    from ganzoo.engine.events import Measurement, NewVerdict, Note, Tick

PLAIN_SECONDS = 10.0  # seconds between two plain lines
PLAIN_WIDTH = 80  # the largest length of a plain line with numbers


class LiveProgress:
    """A line on a terminal that is rewritten at each tick. Other lines scroll above it."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True, highlight=False)
        self._progress = Progress(TextColumn("{task.description}", style="cyan", markup=False), console=console)
        self._task = self._progress.add_task("starting", total=total)

    def __enter__(self) -> LiveProgress:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def note(self, event: Note) -> None:
        """Print a line above the line."""
        self._print(event.line)

    def tick(self, event: Tick) -> None:
        """Rewrite the line."""
        line = describe_tick(event.row, event.total, self._progress.console.width)
        self._progress.update(self._task, completed=min(event.images, event.total), description=line)

    def measured(self, event: Measurement) -> None:
        """Print the values above the line."""
        self._print(describe_metrics(event.images, event.words))

    def verdict(self, event: NewVerdict) -> None:
        """Print the verdict of a diagnosis above the line."""
        self._print(describe_verdict(event.verdict), style="yellow")

    def _print(self, line: str, style: str | None = None) -> None:
        self._progress.console.print(CONTROL.sub("", line), markup=False, style=style)


class PlainProgress:
    """Lines for a log file or a pipe: the numbers every few seconds and at the end, all other lines at once."""

    def __init__(self, total: int) -> None:
        self._last = float("-inf")

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def note(self, event: Note) -> None:
        """Print a line."""
        note(event.line)

    def tick(self, event: Tick) -> None:
        """Print the numbers if some seconds have passed since the last ones."""
        if event.row["seconds"] - self._last >= PLAIN_SECONDS or event.images >= event.total:
            self._last = event.row["seconds"]
            note(describe_tick(event.row, event.total, PLAIN_WIDTH))

    def measured(self, event: Measurement) -> None:
        """Print the values."""
        note(describe_metrics(event.images, event.words))

    def verdict(self, event: NewVerdict) -> None:
        """Print the verdict of a diagnosis."""
        note(describe_verdict(event.verdict))


def make_listener(total: int) -> LiveProgress | PlainProgress:
    """Return the form of progress that suits stderr, for a run of so many images."""
    return LiveProgress(total) if Console(stderr=True).is_terminal else PlainProgress(total)
