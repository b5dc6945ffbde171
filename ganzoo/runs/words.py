"""Numbers in words, for the terminal and the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.plugin import Verdict

CROWDED = 0.15  # of its time that a run waits for a core, from which on a person should know


def describe_tick(row: Mapping[str, Any], total: int) -> str:
    """Return a tick in words: images, speed, losses, what D thinks of real and fake (logits), memory, time left.

    It says so where the machine is busy with something else as well. Losses and logits are left out where they are not
    measured: before ``train.d_start`` and ``train.adversarial_start``. Early in a run there is no time left to tell:
    the first tick is of one round, compiling and warming up included.
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
    """Return a line on what metrics measured."""
    return f"measured at {images:,} images: {words}"


def describe_verdict(said: Verdict) -> str:
    """Return a line on what a diagnosis says: how bad it is, what is wrong, and what to type for the next run."""
    how_bad = {"warn": "warning", "stop": "this run will not come right"}[said.severity]
    return f"{how_bad}: {said.words}" + (f"; try {', or '.join(said.advice)}" if said.advice else "")


def format_duration(seconds: float) -> str:
    """Return seconds as ``m:ss``, or ``h:mm:ss`` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def is_crowded(row: Mapping[str, Any]) -> bool:
    """Whether a tick's row says that the training waited for a core much of its time: others use the machine too."""
    return (row.get("waiting") or 0.0) > CROWDED
