"""Reading the rows of a run for its diagnosis: damaged lines are skipped, and a long file is read in parts."""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

WHOLE_BYTES = 24 << 20  # a file of at most this size is read as a whole
HEAD_BYTES, TAIL_BYTES = 1 << 20, 6 << 20  # of a longer file
LARGEST = 1e18  # absolute value of whole numbers: larger ones are damaged, and some do not fit into a float
SAMPLED_LINES = 4_000  # ticks between head and tail


def read_rows(path: Path, metrics: Sequence[str] = ()) -> list[dict[str, float]]:
    """Return the rows of a ``stats.jsonl``, oldest first, with their numbers alone.

    Lines that are damaged are skipped. Of a file with hundreds of thousands of lines, which would take long, all
    measurements are read, but ticks from its middle only at even distances.

    Args:
        path: The path of the file; it need not exist.
        metrics: The names of the metrics whose measurements are all read.
    """
    try:
        size = path.stat().st_size
    except OSError:
        return []
    if size <= WHOLE_BYTES:
        return [*_parse_lines(path.read_bytes().splitlines())]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        head, tail = text.rfind(b"\n", 0, HEAD_BYTES) + 1, text.find(b"\n", size - TAIL_BYTES) + 1
        lines = text[:head].splitlines()
        middle = {begin: line for name in metrics for begin, line in _find_lines(text, f'"{name}/', head, tail)}
        for number in range(SAMPLED_LINES):
            begin = text.find(b"\n", head + (tail - head) * number // SAMPLED_LINES) + 1
            middle.setdefault(begin, text[begin : text.find(b"\n", begin)])
        lines += [middle[begin] for begin in sorted(middle) if head <= begin < tail]
        return [*_parse_lines([*lines, *text[tail:].splitlines()])]


def thin_rows(rows: Sequence[Row], recent: int) -> list[Row]:
    """Return the rows without every second tick, except for the most recent rows.

    Args:
        rows: The rows, oldest first. Values of metrics are all kept.
        recent: The number of rows at the end that are all kept.
    """
    old, kept, ticks = rows[:-recent], list[Row](), 0
    for row in old:
        is_tick = "seconds" in row
        ticks += is_tick
        if not is_tick or ticks % 2:
            kept.append(row)
    return [*kept, *rows[-recent:]]


def _find_lines(text: mmap.mmap, part: str, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a part of a file that contain a text, with their places."""
    wanted, place = part.encode(), text.find(part.encode(), begin, end)
    while place >= 0:
        first, last = text.rfind(b"\n", 0, place) + 1, text.find(b"\n", place)
        yield first, text[first:last]
        place = text.find(wanted, last, end)


def _parse_lines(lines: Sequence[bytes]) -> Iterator[dict[str, float]]:
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # a part of a line, or bytes that are not text
            continue
        if isinstance(row, dict):
            numbers = {key: value for key, value in row.items() if _is_number(value)}
            if math.isfinite(numbers.get("images", math.nan)):
                yield numbers


def _is_number(value: object) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < LARGEST)
