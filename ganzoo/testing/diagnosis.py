"""Checks of diagnoses: rules over what a run measured."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from ganzoo.plugin import DataInfo, Verdict
from ganzoo.registry.installed import told
from ganzoo.testing.building import built
from ganzoo.testing.checks import Broken, Trial, require
from ganzoo.testing.probes import small_recipe

DATA = DataInfo(shape=(3, 32, 32))
NAMES = ("loss_d", "loss_g", "real", "fake", "penalty_d", "penalty_g", "images_per_second")

Rows = list[dict[str, Any]]


def takes_any_run(trial: Trial) -> None:
    """It takes whatever a run measured: one row, rows that lack names, numbers that are not finite."""
    rule = built(trial, DATA)
    for words, rows in runs().items():
        _answer(rule, words, rows)


def same_verdict_again(trial: Trial) -> None:
    """A verdict follows from rows and recipe alone: what the log says the doctor says later, whatever came before."""
    rule, other = built(trial, DATA), built(trial, DATA)
    first = {words: _answer(rule, words, rows) for words, rows in runs().items()}
    for words, rows in reversed(runs().items()):
        for again in (rule, other):
            found = _answer(again, words, rows)
            require(found == first[words], f"Of {words} it said {first[words]}, and later {found}.")


def rows_left_alone(trial: Trial) -> None:
    """It leaves rows and recipe as they were: other rules read them too."""
    rule = built(trial, DATA)
    for words, rows in runs().items():
        recipe = _recipe()
        given = copy.deepcopy(rows), copy.deepcopy(recipe)
        rule(*given)
        require(repr(given) == repr((rows, recipe)), f"It changed what it was given of {words}.")


def runs() -> dict[str, Rows]:
    """Return the rows of runs, each under words for it."""
    whole = [_row(index) for index in range(40)]
    bare = [{"images": row["images"], "seconds": row["seconds"]} for row in whole]
    return {
        "a run of one row": whole[:1],
        "a run that goes well": whole,
        "a run that measured no losses": bare,
        "a run with metrics between its ticks": [*whole[:20], {"images": 20_000, "fd/fd": 12.5}, *whole[20:]],
        "a run whose losses are not finite": [{**row, "loss_d": math.nan, "loss_g": math.inf} for row in whole],
        "a run whose D is never fooled": [{**row, "loss_d": 0.0, "real": 40.0, "fake": -40.0} for row in whole],
        "a run that stands still": [{**whole[0], "images": row["images"]} for row in whole],
    }


def _answer(rule: Any, words: str, rows: Rows) -> Verdict | None:
    try:
        answer = rule(copy.deepcopy(rows), _recipe())
    except Exception as error:
        raise Broken(f"Of {words} it failed: {told(error)}.") from error
    fits = answer is None or isinstance(answer, Verdict)
    require(fits, f"Of {words} it returned {type(answer).__name__}, neither a Verdict nor None.")
    found: Verdict | None = answer
    return found


def _row(index: int) -> dict[str, Any]:
    values = {name: 0.7 + 0.1 * math.sin(index + place) for place, name in enumerate(NAMES)}
    return {"images": 1000 * (index + 1), "seconds": 2.0 * (index + 1), **values}


def _recipe() -> Mapping[str, Any]:
    return small_recipe().to_json()
