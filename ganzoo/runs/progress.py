"""Progress of a run: a live line on a terminal, lines and the newest grid in a notebook, plain lines elsewhere."""

from __future__ import annotations

import importlib
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganzoo.runs.display import CONTROL, make_html, print_line
from ganzoo.runs.words import describe_metrics, describe_state, describe_tick, describe_verdict

if TYPE_CHECKING:
    from ganzoo.engine.events import Grid, Measurement, NewVerdict, Note, Preparation, Tick, Verdicts

PLAIN_SECONDS = 10.0  # seconds between two plain lines
BAR = 20  # characters of a bar
PLAIN_WIDTH = 80  # the largest length of a plain line with numbers
NOTEBOOK_LINES = 12  # lines that a notebook shows; the run's log has all


class PlainProgress:
    """Lines for a log file or a pipe: the numbers every few seconds and at the end, all other lines at once."""

    def __init__(self) -> None:
        self._last = float("-inf")
        self._state = ""  # what is wrong, in a few words
        self._prepared = time.monotonic()

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def note(self, event: Note) -> None:
        """Print a line."""
        self.print_line(event.line)

    def preparing(self, event: Preparation) -> None:
        """Print how far the data are prepared, if some seconds have passed since the last such line."""
        if time.monotonic() - self._prepared >= PLAIN_SECONDS:
            self._prepared = time.monotonic()
            self.print_line(event.line)

    def tick(self, event: Tick) -> None:
        """Print the numbers if some seconds have passed since the last ones."""
        if event.row["seconds"] - self._last >= PLAIN_SECONDS or event.images >= event.total:
            self._last = event.row["seconds"]
            self.print_line(describe_tick(event.row, event.total, PLAIN_WIDTH, self._state))

    def diagnosed(self, event: Verdicts) -> None:
        """Keep the words for the next numbers."""
        self._state = describe_state(event.verdicts)

    def measured(self, event: Measurement) -> None:
        """Print the values."""
        self.print_line(describe_metrics(event.images, event.words))

    def verdict(self, event: NewVerdict) -> None:
        """Print the verdict of a diagnosis."""
        self.print_line(describe_verdict(event.verdict))

    def print_line(self, line: str) -> None:
        """Print a line on stderr."""
        print_line(line)


class LiveProgress(PlainProgress):
    """A line on a terminal that is rewritten at each tick. Other lines scroll above it.

    Args:
        transient: Whether the line disappears at the end.
    """

    def __init__(self, transient: bool = False) -> None:
        from rich.console import Console
        from rich.progress import Progress, TextColumn

        console = Console(stderr=True, highlight=False)
        self._state = ""
        column = TextColumn("{task.description}", style="cyan", markup=False)
        self._progress = Progress(column, console=console, transient=transient)
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> LiveProgress:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def preparing(self, event: Preparation) -> None:
        """Rewrite the line, with a bar."""
        done = round(BAR * event.share)
        self._progress.update(self._task, description=f"[{'#' * done}{'-' * (BAR - done)}] {event.line}")

    def tick(self, event: Tick) -> None:
        """Rewrite the line."""
        line = describe_tick(event.row, event.total, self._progress.console.width, self._state)
        self._progress.update(self._task, description=line)

    def verdict(self, event: NewVerdict) -> None:
        """Print the verdict of a diagnosis above the live line, in yellow."""
        self.print_line(describe_verdict(event.verdict), style="yellow")

    def print_line(self, line: str, style: str | None = None) -> None:
        """Print a line above the live line."""
        self._progress.console.print(CONTROL.sub("", line), markup=False, style=style)


class NotebookProgress(PlainProgress):
    """The numbers, the last lines and the newest grid under a cell of a notebook, rewritten as they change.

    Args:
        display: The function ``display`` of IPython, which shows the line and changes it.
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._state = ""
        self._numbers = "starting"
        self._lines: deque[str] = deque(maxlen=NOTEBOOK_LINES)
        self._handles: dict[str, Any] = {}

    def __enter__(self) -> NotebookProgress:
        self._show_text()
        return self

    def preparing(self, event: Preparation) -> None:
        """Rewrite the line."""
        self._numbers = event.line
        self._show_text()

    def tick(self, event: Tick) -> None:
        """Rewrite the numbers."""
        self._numbers = describe_tick(event.row, event.total, state=self._state)
        self._show_text()

    def grid(self, event: Grid) -> None:
        """Show the new grid in place of the last one."""
        self._show("grid", make_html(files={event.path.name: event.path.read_bytes()}), event.path.name)

    def print_line(self, line: str) -> None:
        """Add a line under the numbers."""
        self._lines.append(line)
        self._show_text()

    def _show_text(self) -> None:
        self._show("text", make_html(self._numbers, self._lines), self._numbers)

    def _show(self, part: str, html: str, text: str) -> None:
        """Show HTML in its part of the cell's output; `text` is for notebooks that cannot show HTML."""
        content = {"text/html": html, "text/plain": text}
        if part in self._handles:
            self._handles[part].update(content, raw=True)
        else:
            self._handles[part] = self._display(content, raw=True, display_id=True)


def make_progress(transient: bool = False) -> PlainProgress:
    """Return the form of progress that suits a notebook, the terminal on stderr, or else a pipe.

    Args:
        transient: Whether a live line disappears at the end.
    """
    from rich.console import Console

    if display := _find_notebook():
        return NotebookProgress(display)
    return LiveProgress(transient) if Console(stderr=True).is_terminal else PlainProgress()


def _find_notebook() -> Callable[..., Any] | None:
    """Return IPython's function ``display`` if this process is the kernel of a notebook; otherwise None."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is None:
        return None
    display: Callable[..., Any] = importlib.import_module("IPython.display").display
    return display
