"""Scores in words."""

import pytest

from ganzoo.runs.scores import format_score, mark_differences, mark_scores


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


# ----------------------------------------------------------------------------
# Marks.

PROTOCOL = {"metric": "metrics:fd", "extractor": "extractors:random", "reference": "digits", "seed": 0, "real": 100}
PROTOCOL |= {"fake": 100, "content": "0a", "sha256": "1b", "options": {}}


def make_score(name: str = "fd/fd", **changes: object) -> dict[str, object]:
    return {"name": name, "value": 1.0, "fingerprint": str(changes), "protocol": PROTOCOL | changes}


def test_values_of_one_protocol_and_of_different_names_have_no_mark() -> None:
    assert mark_scores([make_score(), make_score(), make_score("fd/mean", seed=1)]) == (["", "", ""], [])
    assert mark_scores([]) == ([], [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1, "content": "0b"}, "seed 0 and 1"),
        ({"real": 200, "fake": 200, "content": "0b"}, "number of generated samples 100 and 200"),
        ({"real": 200, "content": "0b"}, "number of real samples 100 and 200"),
        ({"extractor": "acme:dino", "sha256": "2"}, "network random and dino"),
        ({"sha256": "2"}, "other weights"),
        ({"content": "0b"}, "other real samples"),
        ({"options": {"k": 3}}, "options of the metric none and k=3"),
        ({"held_out": 9, "held_out_content": "0b"}, "number of held-out samples none and 9"),
        ({"torch": "x"}, "they were measured by different versions"),
    ],
)
def test_a_line_says_what_the_values_with_marks_differ_in(changes: dict[str, object], words: str) -> None:
    scores = [make_score("fd/std"), make_score(), make_score(**changes), make_score("fd/mean")]
    marks, lines = mark_scores([*scores, make_score("fd/std", **changes)])
    assert marks == ["(a)", "(a)", "(b)", "", "(b)"]
    assert lines == [f"fd/std, fd/fd: (a) and (b) cannot be compared: {words}"]


def test_values_that_do_not_say_how_they_were_measured_are_not_comparable() -> None:
    assert mark_scores([{"name": "fd/fd", "value": 1.0}, make_score()]) == (
        ["(a)", "(b)"],
        ["fd/fd: (a) and (b) cannot be compared: how some were measured is not known"],
    )


def test_many_values_have_marks_of_their_own() -> None:
    marks, (line,) = mark_scores([make_score(seed=seed) for seed in range(30)])
    assert marks[25:28] == ["(z)", "(aa)", "(ab)"]
    assert len(set(marks)) == 30
    assert line == "fd/fd: (a) to (ad) cannot be compared: seed 0 and 1 and 2 and 27 others"
    assert mark_differences(["x", "y", "x"]) == ["(a)", "(b)", "(a)"]
