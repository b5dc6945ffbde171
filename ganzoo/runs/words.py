"""Lines for the terminal and the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.plugin import Verdict

SURE_AFTER = 10  # seconds of training after which the time left is shown, even if the run is at its beginning
LONG = 30 * 60  # seconds of a run, above which a shorter one is suggested
SHORTER = 20 * 60  # seconds that the shorter run may take
CROWDED = 0.15  # the share of its time that a run waits for a core, above which a line says so


def describe_tick(row: Mapping[str, Any], total: int, width: int | None = None, state: str = "") -> str:
    """Return a line on a tick: time left, images, speed, the state, D's mean logits for real and fake, losses, memory.

    The line also says if other processes use the machine. Losses and logits that are not measured are missing: before
    ``train.d_start`` and ``train.adversarial_start``. The time left is "?" early in a run, because the first tick
    contains compiling and warming up.

    Args:
        row: The row of the tick, as in ``stats.jsonl``.
        total: The number of images that the run sees in all.
        width: The largest length of the line. The last parts are left out if they do not fit; None keeps all parts.
        state: What is wrong with the run, in a few words (`describe_state`); empty if nothing is.
    """
    images, speed = row["images"], row["images_per_second"]
    sure = images * 1000 > total or row["seconds"] > SURE_AFTER
    left = format_duration(max(0, total - images) / speed) if sure else "?"
    logits = [f"D({name}) {_format_number(row[name], '+.2f')}" for name in ("real", "fake") if name in row]
    losses = [
        f"{network} {_format_number(row[key], '.3f')}"
        for network, key in (("D", "loss_d"), ("G", "loss_g"))
        if key in row
    ]
    parts = (
        f"{left} left",
        f"{_format_count(images)}/{_format_count(total)}",
        f"{speed:,.{0 if speed >= 10 else 1}f} images/s" + (" (busy)" if is_crowded(row) else ""),
        state,
        " ".join(logits),
        f"loss {' '.join(losses)}" if losses else "",
        f"{row['memory'] / 2**20:,.0f} MiB",
    )
    line = ""
    for part in filter(None, parts):
        longer = f"{line}  {part}" if line else part
        if width is not None and len(longer) > width:
            break
        line = longer
    return line


def describe_estimate(images: int, speed: float, busy: bool = False) -> str:
    """Return a line on how long a run takes on this machine; for a long run, also how many images take 20 minutes.

    The number of images is rounded to what a person types: ``--images 30000``.

    Args:
        images: The length of the run, in images.
        speed: The measured speed, in images per second.
        busy: Whether other processes used the machine meanwhile, so that the run may be faster later.
    """
    line = f"about {format_rough_duration(images / speed)} on this machine" + (", which is busy now" if busy else "")
    fewer = round(float(f"{speed * SHORTER:.0e}"))
    if images / speed <= LONG or not 0 < fewer < images:
        return line
    return f"{line}: --images {fewer} takes {format_rough_duration(fewer / speed)}"


def describe_metrics(images: int, words: str) -> str:
    """Return a line on measured values.

    Args:
        images: The number of images seen at the measurement.
        words: The values in words.
    """
    return f"measured at {images:,} images: {words}"


def describe_packing(done: int, total: int, seconds: float) -> str:
    """Return a line on how far the samples of a dataset are packed: how many, the speed, and the time left.

    Args:
        done: The number of packed samples.
        total: The number of all samples.
        seconds: The time that it took so far.
    """
    speed = max(done / max(seconds, 1e-9), 1e-9)
    left = f"{speed:,.{0 if speed >= 10 else 1}f}/s, {format_duration((total - done) / speed)} left"
    return f"packed {done:,} of {total:,} samples" + (f", {left}" if done < total else "")


def describe_verdict(said: Verdict) -> str:
    """Return a line on a verdict: how bad the problem is, what it is, and what to type for the next run."""
    return f"{describe_severity(said)}: {said.words}" + (f"; try {', or '.join(said.advice)}" if said.advice else "")


def describe_severity(said: Verdict) -> str:
    """Return how bad the problem of a verdict is, in words."""
    return {"info": "note", "warn": "warning", "stop": "this run will not recover"}[said.severity]


def describe_state(verdicts: Sequence[Verdict]) -> str:
    """Return the first of several verdicts in at most four words, and the number of others: ``d too strong (+1)``.

    A verdict on what is not wrong yet does not count.
    """
    codes = [verdict.code.replace("-", " ") for verdict in verdicts if verdict.severity != "info"]
    return codes[0] + (f" (+{len(codes) - 1})" if len(codes) > 1 else "") if codes else ""


def format_duration(seconds: float) -> str:
    """Return seconds as ``m:ss``, or as ``h:mm:ss`` if there is an hour or more."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_rough_duration(seconds: float) -> str:
    """Return seconds with two digits, in the unit that suits them: ``40 s``, ``20 min``, ``1.8 h``, ``3 days``."""
    for limit, size, unit in ((90, 1, "s"), (90 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds / 86400:.0f} days"


def _format_count(images: int) -> str:
    """Return a number of images: ``69,568``, ``12.35M``."""
    return f"{images:,}" if images < 1_000_000 else f"{images / 1e6:.2f}".rstrip("0").rstrip(".") + "M"


def _format_number(value: float, form: str) -> str:
    """Return a number in a form for small numbers, ``+.2f``; a huge number as ``+1.7e15``."""
    sign = form.rpartition(".")[0]
    return format(value, form) if abs(value) < 1000 else f"{value:{sign}.1e}".replace("e+0", "e").replace("e+", "e")


def is_crowded(row: Mapping[str, Any]) -> bool:
    """Return whether a tick's row says that training often waited for a core, because others use the machine."""
    return (row.get("waiting") or 0.0) > CROWDED
