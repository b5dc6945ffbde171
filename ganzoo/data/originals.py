"""Facts about the files of a dataset, before they are cropped and resized."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ganzoo.plugin import Item

MOST = 20_000  # files that are opened, at even distances
Spread = tuple[float, float, float]  # minimum, median, maximum


@dataclass(frozen=True)
class Originals:
    """What the files of a dataset are.

    Args:
        num: The number of files that were opened.
        formats, modes: The number of files of each format and mode, in Pillow's words, the most frequent first.
        width, height: Minimum, median and maximum in pixels, upright.
        ratio: Minimum, median and maximum of width divided by height.
        kept: The mean share of a file's pixels that cropping keeps.
        enlarged: The share of files that are smaller than the samples, and are enlarged.
        shorter: The median of the shorter sides, in pixels.
    """

    num: int
    formats: dict[str, int]
    modes: dict[str, int]
    width: Spread
    height: Spread
    ratio: Spread
    kept: float
    enlarged: float
    shorter: float


def describe_originals(items: Sequence[Item]) -> Originals | None:
    """Return what the files of items are; None where the dataset does not say. Unreadable files are left out."""
    chosen = [items[round(index * (len(items) - 1) / max(1, MOST - 1))] for index in range(MOST)]
    chosen = list(items) if len(items) <= MOST else chosen
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = [facts for facts in pool.map(_read, chosen) if facts]
    if not found:
        return None
    sides = [(facts["width"], facts["height"]) for facts in found]
    return Originals(
        num=len(found),
        formats=_count([str(facts["format"]) for facts in found]),
        modes=_count([str(facts["mode"]) for facts in found]),
        width=_spread([width for width, _ in sides]),
        height=_spread([height for _, height in sides]),
        ratio=_spread([width / height for width, height in sides]),
        kept=statistics.fmean(facts["kept"] for facts in found),
        enlarged=statistics.fmean(facts["scale"] > 1 for facts in found),
        shorter=statistics.median(map(min, sides)),
    )


def _read(item: Item) -> Mapping[str, Any] | None:
    try:
        return item.original() if item.original else None
    except Exception:  # it is reported as unreadable by the packing
        return None


def _count(words: Sequence[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def _spread(values: Sequence[float]) -> Spread:
    return min(values), statistics.median(values), max(values)
