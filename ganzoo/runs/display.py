"""How runs and files are shown: as lines on stderr, and as HTML in a notebook."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import PurePath
from typing import TYPE_CHECKING

from ganzoo.errors import GanzooError

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # the latter change the direction of text
PICTURES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}  # media types by suffix
TEXTS = (".txt", ".csv", ".tsv")
MOST_CHARACTERS = 2000  # of a text that is shown


def print_line(line: str) -> None:
    """Print a line on stderr, without control characters."""
    if sys.stderr is not None:
        print(CONTROL.sub("", line), file=sys.stderr, flush=True)


def describe_run(run: Run) -> str:
    """Return a line on a run: its path, and how far it is. A damaged run has a line too."""
    try:
        length, images = run.length, run.images
    except (GanzooError, OSError):
        return f"{run.path}: it has no recipe that can be read"
    if images >= length:
        return f"{run.path}: finished after {images:,} images"
    if run.early_end:
        return f"{run.path}: finished early, after {images:,} of {length:,} images: {run.early_end}"
    return f"{run.path}: {'training' if run.active else 'unfinished'}, {images:,} of {length:,} images"


def show_run(run: Run) -> str:
    """Return a run as HTML: where it is, how far it is, its latest values of metrics, and its latest grid."""
    grids = sorted(run.path.glob("fakes-*.*"))
    files: dict[str, bytes] = {}
    values: dict[str, float] = {}
    with contextlib.suppress(GanzooError, OSError):  # a damaged run shows what it has
        files = {path.name: path.read_bytes() for path in grids if path.stem == grids[-1].stem}
        values = read_last_values(run)
    words = ", ".join(f"{name} {format_value(value)}" for name, value in values.items())
    return make_html(describe_run(run), [words, *list(files)[:1]], files)


def read_last_values(run: Run) -> dict[str, float]:
    """Return the values of the run's last measurement by ``METRIC/KEY``; empty if nothing was measured."""
    names = [entry["name"].rpartition(":")[2] for entry in run.recipe().get("metric", [])]
    text = run.stats_file.read_text(encoding="utf-8", errors="replace") if run.stats_file.exists() else ""
    for line in reversed(text.splitlines()) if names else ():
        if any(f'"{name}/' in line for name in names):  # most lines are ticks: they are not parsed
            with contextlib.suppress(ValueError):
                row = json.loads(line)
                return {key: row[key] for key in row if key.partition("/")[0] in names}
    return {}


def format_value(value: float) -> str:
    """Return a measured value with four significant digits, and all digits before the point."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def make_html(title: str = "", lines: Iterable[str] = (), files: Mapping[str, bytes] | None = None) -> str:
    """Return HTML that shows texts and files.

    Args:
        title: The first line, in bold; empty for none.
        lines: Further lines; empty ones are skipped.
        files: Contents by file name. Pictures, texts and sounds are shown, other files are named.
    """
    parts = [f"<b>{escape(title)}</b>" if title else "", *map(escape, lines)]
    text = "<br>".join(filter(None, parts))
    shown = [_embed_file(name, content) for name, content in (files or {}).items()]
    return "".join([f"<div>{text}</div>" if text else "", *shown])


def _embed_file(name: str, content: bytes) -> str:
    """Return HTML that shows a file; it contains the file, so it needs no other."""
    suffix = PurePath(name).suffix.lower()
    data = base64.b64encode(content).decode()
    if suffix in PICTURES:
        style = "max-width: min(100%, 512px); image-rendering: pixelated"
        return f'<img alt="{escape(name)}" style="{style}" src="data:image/{PICTURES[suffix]};base64,{data}">'
    if suffix in TEXTS:
        return f"<pre>{escape(content.decode(errors='replace')[:MOST_CHARACTERS])}</pre>"
    if suffix == ".wav":
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'
    return f"<div>{escape(name)}</div>"
