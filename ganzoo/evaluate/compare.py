"""Comparing measured values: which one is better, and the line that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganzoo.plugin import Metric
from ganzoo.plugin.measuring import get_direction
from ganzoo.recipe.recipe import Choice

REGRESSED = 1.5  # a last value that is worse than the best by a larger factor is reported


def collect_directions(metrics: Iterable[Choice]) -> dict[str, str]:
    """Return `Metric.better` of several metrics, by ``METRIC/KEY``. As in `Metric.better`, a key may be a pattern."""
    specs = [choice.spec for choice in metrics if isinstance(choice.spec, Metric)]
    return {f"{spec.name}/{key}": way for spec in specs for key, way in spec.better.items()}


def is_better(value: float, than: float, direction: str) -> bool:
    """Whether a value is better than another one; an equal value is not."""
    return (direction == "lower" and value < than) or (direction == "higher" and value > than)


def find_best(rows: Iterable[Mapping[str, Any]], better: Mapping[str, str]) -> dict[str, float]:
    """Return the best value of each ``METRIC/KEY`` in the rows of a run's statistics.

    Args:
        rows: Rows of ``stats.jsonl``. Keys that are not in `better` are ignored.
        better: The directions, as `collect_directions` returns them.
    """
    best: dict[str, float] = {}
    known: dict[str, str] = {}  # directions by key, so that each is looked up once: a long run has many rows
    for row in rows:
        for name in row.keys() - known.keys():
            known[name] = get_direction(name, better)
        for name, value in row.items():
            if known[name] and (name not in best or is_better(value, best[name], known[name])):
                best[name] = value
    return best


def find_regressions(
    last: Mapping[str, float], best: Mapping[str, float], better: Mapping[str, str]
) -> dict[str, float]:
    """Return the best value of each ``METRIC/KEY`` whose last value is worse by more than a factor of `REGRESSED`.

    Args:
        last: The last values by name.
        best: The best values by name, as `find_best` returns them.
        better: The directions, as `collect_directions` returns them.
    """
    found = {}
    for name in last.keys() & best.keys():
        low, high = sorted((last[name], best[name]))
        worse = is_better(best[name], last[name], get_direction(name, better))
        if worse and low > 0 and high > REGRESSED * low:
            found[name] = best[name]
    return dict(sorted(found.items()))


def format_comparison(
    values: Mapping[str, float],
    best: Mapping[str, float],
    better: Mapping[str, str],
    ratios: Mapping[str, float] | None = None,
) -> str:
    """Return measured values as one line: ``fid/fd 12.3 (best so far, before 14.1), fid/mean 0.4 (best is 0.2)``.

    Args:
        values: The measured values, by ``METRIC/KEY``.
        best: The best earlier values, as `find_best` returns them.
        better: As `collect_directions` returns it. Keys that it does not name, or names ``neither``, show their value
            alone.
        ratios: Values in multiples of their floor, by ``METRIC/KEY``, which are shown after the value.
    """

    def describe(name: str, value: float) -> str:
        direction, ratio = get_direction(name, better), (ratios or {}).get(name)
        value_text = f"{name} {value:.6g}" + (f" = {ratio:.{1 if ratio < 10 else 0}f} x floor" if ratio else "")
        if direction not in ("lower", "higher") or name not in best:
            return value_text
        if is_better(value, best[name], direction):
            return f"{value_text} (best so far, before {best[name]:.6g})"
        if value == best[name]:
            return f"{value_text} (as the best so far)"
        return f"{value_text} (best is {best[name]:.6g})"

    return ", ".join(describe(name, value) for name, value in values.items())
