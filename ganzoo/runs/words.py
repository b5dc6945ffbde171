"""Lines for the terminal and the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.plugin import Verdict

CROWDED = 0.15  # the share of its time that a run waits for a core, above which a line says so


def describe_tick(row: Mapping[str, Any], total: int) -> str:
    """Return a line on a tick: images, speed, losses, D's mean logits for real and fake, memory, time left.

    The line also says if other processes use the machine. Losses and logits that are not measured are missing: before
    ``train.d_start`` and ``train.adversarial_start``. The time left is "?" early in a run, because the first tick
    contains compiling and warming up.

    Args:
        row: The row of the tick, as in ``stats.jsonl``.
        total: The number of images that the run sees in all.
    """
    seconds = max(0, total - row["images"]) / row["images_per_second"]
    left = format_duration(seconds) if row["images"] * 1000 > total else "?"
    losses = [f"{network} {row[key]:.3f}" for network, key in (("D", "loss_d"), ("G", "loss_g")) if key in row]
    parts = (
        f"{row['images']:,}/{total:,} images",
        f"{row['images_per_second'] / 1000:.2f} kimg/s",
        "machine busy" if is_crowded(row) else "",
        f"loss {' '.join(losses)}" if losses else "",
        " ".join(f"D({name}) {row[name]:+.2f}" for name in ("real", "fake") if name in row),
        f"{row['memory'] / 2**20:,.0f} MiB",
        f"{left} left",
    )
    return "  ".join(filter(None, parts))


def describe_metrics(images: int, words: str) -> str:
    """Return a line on measured values.

    Args:
        images: The number of images seen at the measurement.
        words: The values in words.
    """
    return f"measured at {images:,} images: {words}"


def describe_verdict(said: Verdict) -> str:
    """Return a line on a verdict: how bad the problem is, what it is, and what to type for the next run."""
    how_bad = {"warn": "warning", "stop": "this run will not recover"}[said.severity]
    return f"{how_bad}: {said.words}" + (f"; try {', or '.join(said.advice)}" if said.advice else "")


def format_duration(seconds: float) -> str:
    """Return seconds as ``m:ss``, or as ``h:mm:ss`` if there is an hour or more."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def is_crowded(row: Mapping[str, Any]) -> bool:
    """Return whether a tick's row says that training often waited for a core, because others use the machine."""
    return (row.get("waiting") or 0.0) > CROWDED
