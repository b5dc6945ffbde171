"""When a run finishes early: its score does not improve any more, or it has become much worse."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ganzoo.evaluate.compare import REGRESSED, find_best, find_regressions

RUNNING = 2  # measurements running whose score must be much worse


def find_reason(
    name: str, values: Sequence[float], better: dict[str, str], patience: int = 0, stop_regressed: bool = False
) -> str:
    """Return in words why a run finishes early; empty if it goes on.

    Args:
        name: The name of the score, ``METRIC/KEY``.
        values: The score at each measurement, oldest first.
        better: The directions, as `ganzoo.evaluate.compare.collect_directions` returns them.
        patience: The number of measurements without a better value; 0 for any number.
        stop_regressed: Whether the run finishes where the score is much worse than its best.
    """
    known = [value for value in values if not math.isnan(value)]
    best = find_best(({name: value} for value in known), better).get(name)
    if best is None:
        return ""
    waited = len(values) - 1 - list(values).index(best)
    last = [{name: value} for value in values[-RUNNING:]]
    if stop_regressed and len(last) == RUNNING and all(find_regressions(row, {name: best}, better) for row in last):
        return f"{name} was worse than {REGRESSED:g} times its best value {best:.4g} in {RUNNING} measurements running"
    if patience and waited >= patience:
        return f"{name} did not become better than {best:.4g} in {waited} measurements"
    return ""
