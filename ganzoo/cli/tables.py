"""Tables and texts on stdout. On a terminal they fit its width; elsewhere each row is one line, for scripts."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

import click

from ganzoo.runs.display import CONTROL

GAP = "  "  # between two columns
READABLE = 40  # characters in a line of wrapped text, for which columns are left out
NARROWEST = 16  # characters in a line of wrapped text, if there is no more space


def print_table(rows: Sequence[Sequence[object]], indent: str = "", optional: Sequence[int] = ()) -> None:
    """Print rows with aligned columns. Control characters in foreign text are removed.

    Args:
        rows: The cells of each row.
        indent: The text before each line.
        optional: The numbers of columns to leave out where the terminal is too narrow, the least important first.
    """
    texts = [[CONTROL.sub("", str(cell)) for cell in row] for row in rows]
    shown = list(range(len(texts[0]))) if texts else []
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    limit = get_width()
    if limit is not None:
        for column in optional:
            if _count_free(widths, shown, indent, limit) < min(max(widths[i] for i in shown), READABLE):
                shown.remove(column)
        while (excess := -_count_free(widths, shown, indent, limit, wrapped=False)) > 0:
            widest = max(shown, key=lambda i: widths[i])
            if widths[widest] <= NARROWEST:
                break
            second = max((widths[i] for i in shown if i != widest), default=0)
            widths[widest] = max(widths[widest] - excess, min(second, widths[widest] - 1), NARROWEST)
    for row in texts:
        _print_row([_wrap(row[i], widths[i]) for i in shown], [widths[i] for i in shown], indent)


def print_text(text: str, indent: str = "") -> None:
    """Print a text after an indent; on a terminal its further lines begin with the indent too."""
    width = get_width()
    lines = [text] if width is None else _wrap(text, max(width - len(indent), NARROWEST))
    for line in lines:
        click.echo(indent + line)


def get_width() -> int | None:
    """Return the number of columns of the terminal on stdout; None if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


def _count_free(widths: list[int], shown: list[int], indent: str, limit: int, wrapped: bool = True) -> int:
    """Return the number of characters beside all columns, or those beside all but the widest, which is `wrapped`."""
    kept = [widths[i] for i in shown]
    taken = len(indent) + sum(kept) + len(GAP) * (len(kept) - 1)
    return limit - taken + (max(kept) if wrapped else 0)


def _wrap(text: str, width: int) -> list[str]:
    """Return the lines of a text, none of them longer than a number of characters."""
    return [text] if len(text) <= width else textwrap.wrap(text, width)


def _print_row(cells: list[list[str]], widths: list[int], indent: str) -> None:
    """Print a row of the table, whose cells have lines."""
    for lines in zip_longest(*cells, fillvalue=""):
        aligned = (line.ljust(width) for line, width in zip(lines, widths, strict=True))
        click.echo((indent + GAP.join(aligned)).rstrip())
