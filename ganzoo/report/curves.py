"""The curves of a run: its rows as columns of few points, and the charts that show them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, float]
Table = dict[str, Any]  # {"x": images, "columns": {key: values, None where there is none}}

BUCKETS = 600  # of a curve: each shows its smallest and its largest value
FEWEST_BUCKETS = 60  # of each curve, where a page shows many runs
NO_CURVES = ("images", "seconds", "diverged", "data/", "rollback/")  # keys, and prefixes that end in a slash
DIGITS = 5  # of a value that is drawn


@dataclass(frozen=True)
class Chart:
    """A chart: the keys of the curves that it shows, and its title."""

    title: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Charts that stand together under a title.

    Args:
        title: The title of the group.
        charts: The charts of the group.
        is_open: Whether the charts are shown at first.
    """

    title: str
    charts: tuple[Chart, ...]
    is_open: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the group as JSON."""
        charts = [{"title": chart.title, "keys": list(chart.keys)} for chart in self.charts]
        return {"title": self.title, "open": self.is_open, "charts": charts}


TRAINING = Group(
    "Losses and logits",
    (
        Chart("losses", ("loss_d", "loss_g")),
        Chart("mean logits: D(real), D(fake)", ("real", "fake")),
        Chart("AUC: share of pairs with D(real) > D(fake)", ("auc", "auc_train", "auc_val")),
    ),
    is_open=True,
)
FIXED = (
    Group(
        "Signals of the samples",
        (
            Chart("diversity: distance of two samples, real = 1", ("pairwise",)),
            Chart("share of duplicates", ("duplicates",)),
            Chart("standard deviations and means against real ones", ("std_ratio", "mean_shift")),
            Chart("saturated numbers, less those of real samples", ("saturation",)),
            Chart("finest checkerboards, real = 1", ("high_band",)),
            Chart("sensitivity to latents and labels", ("z_sensitivity", "label_sensitivity")),
            Chart("gaps: training mode, average", ("mode_gap", "average_gap")),
        ),
    ),
    Group(
        "Signals of the networks",
        (
            Chart("logits of trained, held-out and fake samples", ("train_logit", "val_logit", "fake_logit")),
            Chart("standard deviations of logits", ("real_std", "fake_std")),
            Chart("mean sign of D(real)", ("sign_real",)),
            Chart("norms of gradients", ("gradient_d", "gradient_g")),
            Chart("gradient of D by its input", ("input_gradient",)),
            Chart("norms of weights", ("norm_d", "norm_g")),
            Chart("steps, divided by the norm of weights", ("step_d", "step_g")),
            Chart("distance travelled, divided by the path", ("travel_d", "travel_g")),
        ),
    ),
    Group(
        "Speed and memory",
        (
            Chart("images per second", ("images_per_second",)),
            Chart("memory in bytes", ("memory",)),
            Chart("share of the time without a core", ("waiting",)),
        ),
    ),
)


def choose_charts(keys: Iterable[str], scores: Iterable[str]) -> list[Group]:
    """Return the charts for the keys of rows, without those that have no curve.

    Args:
        keys: The keys of the rows of all runs.
        scores: Those that metrics measured; each gets a chart of its own.
    """
    present = dict.fromkeys(keys)
    measured = tuple(Chart(key, (key,)) for key in scores)
    known = {key for group in (TRAINING, *FIXED) for chart in group.charts for key in chart.keys}
    known |= {key for chart in measured for key in chart.keys}
    others = tuple(Chart(key, (key,)) for key in present if key not in known and _has_curve(key))
    groups = [
        Group("Scores", measured, is_open=True),
        TRAINING,
        Group("Terms and components", others),
        *FIXED,
    ]
    kept = [Group(group.title, tuple(_drop_missing(group.charts, present)), group.is_open) for group in groups]
    return [group for group in kept if group.charts]


def _drop_missing(charts: Iterable[Chart], present: Mapping[str, object]) -> Iterable[Chart]:
    for chart in charts:
        if keys := tuple(key for key in chart.keys if key in present):
            yield Chart(chart.title, keys)


def _has_curve(key: str) -> bool:
    return not any(key.startswith(each) if each.endswith("/") else key == each for each in NO_CURVES)


def make_tables(rows: Sequence[Row], num_runs: int = 1) -> dict[str, Table]:
    """Return the rows of a run as two tables of few points: ``ticks``, and ``scores`` of metrics.

    Args:
        rows: The rows, with their numbers alone.
        num_runs: The number of runs on the page; with more of them each has fewer points.
    """
    buckets = max(FEWEST_BUCKETS, BUCKETS // max(1, num_runs))
    ordered = sorted(rows, key=lambda row: row["images"])  # rows of a damaged file may have any order
    ticks = [row for row in ordered if "seconds" in row]
    scores = [row for row in ordered if "seconds" not in row]
    return {"ticks": thin_curves(ticks, buckets), "scores": thin_curves(scores, buckets)}


def thin_curves(rows: Sequence[Row], buckets: int) -> Table:
    """Return rows as columns. Many rows are put into buckets, of which each curve has its extremes, in their order.

    Args:
        rows: The rows, by images.
        buckets: The number of buckets; at most two points of each come from one.
    """
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if _has_curve(key)]
    if len(rows) <= 2 * buckets:
        columns = {key: [_round(row.get(key)) for row in rows] for key in keys}
        return {"x": [int(row["images"]) for row in rows], "columns": _drop_empty(columns)}
    size = len(rows) / buckets
    parts = [rows[round(number * size) : round((number + 1) * size)] for number in range(buckets)]
    columns = {key: [value for part in parts for value in _find_extremes(part, key)] for key in keys}
    return {"x": [int(row["images"]) for part in parts for row in (part[0], part[-1])], "columns": _drop_empty(columns)}


def _find_extremes(rows: Sequence[Row], key: str) -> tuple[float | None, float | None]:
    """Return the smallest and the largest value of a key, in the order of their rows."""
    values = [value for row in rows if (value := row.get(key)) is not None and math.isfinite(value)]
    if not values:
        return None, None
    low, high = min(values), max(values)
    return (_round(low), _round(high)) if values.index(low) <= values.index(high) else (_round(high), _round(low))


def _drop_empty(columns: Mapping[str, list[float | None]]) -> dict[str, list[float | None]]:
    return {key: values for key, values in columns.items() if any(value is not None for value in values)}


def _round(value: float | None) -> float | None:
    """Return a value with few digits; None if it is not finite, because JSON has no such numbers."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{DIGITS}g}")
