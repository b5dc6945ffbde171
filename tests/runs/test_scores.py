"""Scores in words."""

import pytest

from ganzoo.runs.scores import format_score


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ({"value": 41.2}, "41.2"),
        ({"value": 41.2, "ratio": 1.94, "floor": 21.2, "interval": 0.61}, "41.2 (1.9 x floor, +- 0.61)"),
        ({"value": 7001.0, "ratio": 1318.4, "interval": 133.7}, "7001 (1,318 x floor, +- 130)"),
        ({"value": 0.2, "floor": 0.94, "better": "higher", "interval": 0.00222}, "0.2 (reals 0.94, +- 0.0022)"),
        ({"value": 0.2, "floor": 0.94, "floor_num": 847, "better": "higher"}, "0.2 (847 reals 0.94)"),
        ({"value": 1.08, "floor": 1.09, "better": "neither"}, "1.08"),
    ],
)
def test_a_score_stands_with_its_floor_and_interval(score: dict[str, object], words: str) -> None:
    assert format_score(score) == words
