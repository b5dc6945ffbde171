"""Comparing values, and the line that shows it."""

from __future__ import annotations

import pytest

from ganzoo.evaluate.compare import (
    collect_directions,
    find_best,
    find_regressions,
    format_comparison,
    is_better,
)
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

BETTER = {"fd/fd": "lower", "prdc/recall": "higher", "modes/spread": "neither"}


def test_directions_come_from_the_specs():
    recipe = resolve(registry(), flags={"arch": "dcgan", "metric": "pixel-moments"})
    assert collect_directions(recipe.metric) == dict.fromkeys(
        ("pixel-moments/mean", "pixel-moments/std", "pixel-moments/fd"), "lower"
    )


@pytest.mark.parametrize(
    ("direction", "wanted"),
    [("lower", [True, False, False]), ("higher", [False, False, True]), ("neither", [False] * 3)],
)
def test_a_tie_is_not_better(direction, wanted):
    assert [is_better(value, 2.0, direction) for value in (1.0, 2.0, 3.0)] == wanted


def test_the_best_values_are_found_in_all_rows():
    rows = [
        {"images": 0, "fd/fd": 9.0, "prdc/recall": 0.1},
        {"images": 8, "g_loss": 1.0, "seconds": 2.0},
        {"images": 16, "fd/fd": 3.0, "prdc/recall": 0.3, "old/metric": 1.0},
        {"images": 32, "fd/fd": 4.0, "prdc/recall": 0.2},
    ]
    assert find_best(rows, BETTER) == {"fd/fd": 3.0, "prdc/recall": 0.3}


def test_a_line_shows_whether_each_value_improved():
    first = {"fd/fd": 12.25, "prdc/recall": 0.5, "modes/spread": 1.5}
    assert format_comparison(first, {}, BETTER) == "fd/fd 12.25, prdc/recall 0.5, modes/spread 1.5"
    later = {"fd/fd": 11.0, "prdc/recall": 0.25, "modes/spread": 1.0, "other/x": 1e-9}
    assert format_comparison(later, first, BETTER) == (
        "fd/fd 11 (best so far, before 12.25), prdc/recall 0.25 (best is 0.5), modes/spread 1, other/x 1e-09"
    )
    assert format_comparison({"fd/fd": 12.25}, first, BETTER) == "fd/fd 12.25 (as the best so far)"


def test_values_that_were_better_by_more_than_half_have_regressed():
    last = {"fd/fd": 16.0, "prdc/recall": 0.5, "modes/spread": 9.0, "kid/kid": 1.0}
    better = {**BETTER, "kid/kid": "lower"}
    best = {"fd/fd": 10.0, "prdc/recall": 0.8, "modes/spread": 1.0, "kid/kid": -0.1}
    assert find_regressions(last, best, better) == {"fd/fd": 10.0, "prdc/recall": 0.8}
    assert find_regressions({"fd/fd": 14.9, "prdc/recall": 0.55}, best, better) == {}
