"""Which of two measured values is better, and how a person is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganzoo.plugin import Metric
from ganzoo.recipe.recipe import Choice


def directions(metrics: Iterable[Choice]) -> dict[str, str]:
    """Return ``lower``, ``higher`` or ``neither`` by ``METRIC/KEY``, as the metrics' specs say which is better."""
    return {f"{choice.name}/{key}": way for choice in metrics for key, way in metric_spec(choice).better.items()}


def is_better(value: float, than: float, direction: str) -> bool:
    """Whether a value is better than another one; ties are not."""
    return (direction == "lower" and value < than) or (direction == "higher" and value > than)


def best_so_far(rows: Iterable[Mapping[str, Any]], better: Mapping[str, str]) -> dict[str, float]:
    """Return the best value of each ``METRIC/KEY`` that rows of a run's statistics hold.

    Args:
        rows: Of ``stats.jsonl``; keys that are not in `better` do not count.
        better: What `directions` returns.
    """
    best: dict[str, float] = {}
    for row in rows:
        for name in row.keys() & better.keys():
            if name not in best or is_better(row[name], best[name], better[name]):
                best[name] = row[name]
    return best


def compare(values: Mapping[str, float], best: Mapping[str, float], better: Mapping[str, str]) -> str:
    """Return measured values in a line: ``fid/fd 12.3 (best so far, before 14.1), fid/mean 0.4 (best is 0.2)``.

    Args:
        values: By ``METRIC/KEY``.
        best: The best of each before these, as `best_so_far` returns it.
        better: What `directions` returns; of a key that it does not name, or as ``neither``, the value alone is told.
    """

    def told(name: str, value: float) -> str:
        if better.get(name, "neither") == "neither" or name not in best:
            return f"{name} {value:.6g}"
        if is_better(value, best[name], better[name]):
            return f"{name} {value:.6g} (best so far, before {best[name]:.6g})"
        if value == best[name]:
            return f"{name} {value:.6g} (as the best so far)"
        return f"{name} {value:.6g} (best is {best[name]:.6g})"

    return ", ".join(told(name, value) for name, value in values.items())


def metric_spec(choice: Choice) -> Metric:
    """Return the spec of a chosen metric."""
    assert isinstance(choice.spec, Metric)
    return choice.spec
