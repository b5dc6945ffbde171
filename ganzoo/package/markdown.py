"""Escaping foreign text for Markdown, since a card is shown as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable


def escape(text: object) -> str:
    """Return foreign text on one line, escaped so that Markdown shows it unchanged."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())
    return re.sub(r"([\\`*_{}\[\]<>|#~&!])", r"\\\1", line)


def format_code(text: object) -> str:
    """Return foreign text as inline code of Markdown."""
    line = "".join(char if char.isprintable() and char not in "`|<>" else " " for char in str(text))
    return f"`{' '.join(line.split()) or '?'}`"


def format_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table of a head and rows, each cell as inline code."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(format_code(cell) for cell in row)} |" for row in rows)])
