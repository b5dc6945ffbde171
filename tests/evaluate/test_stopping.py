"""When a run finishes early, by its scores alone."""

from __future__ import annotations

import math

import pytest

from ganzoo.evaluate.stopping import find_reason

LOWER, HIGHER = {"fd/fd": "lower"}, {"fd/fd": "higher"}


@pytest.mark.parametrize(
    ("values", "better", "patience", "reason"),
    [
        ([], LOWER, 1, ""),
        ([5.0], LOWER, 1, ""),
        ([5.0, 4.0], LOWER, 1, ""),
        ([5.0, 4.0, 4.0], LOWER, 1, "fd/fd did not become better than 4 in 1 measurements"),
        ([5.0, 4.0, 4.5, 3.9, 4.0], LOWER, 2, ""),
        ([5.0, 3.9, 4.0, 4.0], LOWER, 2, "fd/fd did not become better than 3.9 in 2 measurements"),
        ([5.0, 4.0, 3.0], HIGHER, 2, "fd/fd did not become better than 5 in 2 measurements"),
        ([4.0, 5.0, 6.0], HIGHER, 2, ""),
        ([5.0, math.nan, math.nan], LOWER, 2, "fd/fd did not become better than 5 in 2 measurements"),
        ([math.nan, math.nan, math.nan], LOWER, 1, ""),
        ([5.0, 5.0, 5.0], {}, 1, ""),
        ([5.0, 9.0, 9.0, 9.0], LOWER, 0, ""),
    ],
)
def test_a_run_without_a_better_score_finishes(values, better, patience, reason):
    assert find_reason("fd/fd", values, better, patience) == reason


@pytest.mark.parametrize(
    ("values", "better", "finishes"),
    [
        ([4.0, 9.0], LOWER, False),
        ([4.0, 9.0, 9.0], LOWER, True),
        ([4.0, 9.0, 5.0, 9.0], LOWER, False),
        ([4.0, 5.9, 5.9, 5.9], LOWER, False),
        ([4.0, 2.0, 2.0], HIGHER, True),
        ([9.0, 9.0, 3.0], LOWER, False),
    ],
)
def test_a_score_that_is_much_worse_twice_running_is_a_regression(values, better, finishes):
    assert bool(find_reason("fd/fd", values, better, stop_regressed=True)) == finishes
    assert find_reason("fd/fd", values, better) == ""
