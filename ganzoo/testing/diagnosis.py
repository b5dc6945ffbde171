"""Checks of diagnoses on made-up runs: some go well, some go wrong, and some have few measurements.

The cases of a diagnosis (`ganzoo.plugin.Case`) check its verdicts. A case gives ``rows`` and, where the diagnosis reads
it, a ``recipe``. It expects the verdict's code with the value 1, or ``nothing`` with the value 1.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganzoo.plugin import Case, Verdict
from ganzoo.registry.calling import import_object
from ganzoo.registry.failures import describe_error
from ganzoo.testing.advice import find_advice_defect, find_unresolved_advice, list_recipes
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Failure, Trial, as_sentence, fatal_failures, require
from ganzoo.testing.examples import make_frozen_recipe
from ganzoo.testing.plugin import require_light

Row = Mapping[str, Any]


def answers_for_any_run(trial: Trial) -> None:
    """It returns a Verdict or None for every run, also if the numbers that it reads were not measured."""
    with fatal_failures():
        diagnosis = build_component(trial)
    for name, rows in _make_runs():
        try:
            verdict = diagnosis(rows, make_frozen_recipe())
        except Exception as error:
            raise Failure(f"For {name} it raised {describe_error(error)}.") from error
        fits = verdict is None or isinstance(verdict, Verdict)
        require(fits, f"For {name} it returned {type(verdict).__name__}.")


def follows_from_its_arguments(trial: Trial) -> None:
    """The same rows and recipe give the same verdict, also from a second build, and they do not change."""
    diagnosis = build_component(trial)
    for name, rows in _make_runs():
        given, recipe = copy.deepcopy(list(rows)), make_frozen_recipe()
        first = diagnosis(given, recipe)
        unchanged = repr((given, recipe)) == repr((list(rows), make_frozen_recipe()))
        require(unchanged, f"For {name} it changed its arguments.")
        for when, again in {"when called again": diagnosis, "when built again": build_component(trial)}.items():
            require(again(rows, make_frozen_recipe()) == first, f"For {name} it returns another verdict {when}.")


def advises_what_can_be_typed(trial: Trial) -> None:
    """Each advice is ``KEY=VALUE`` or ``--FLAG VALUE`` of `ganzoo train`, and fits the run's recipe.

    It is typed together with the recipe of each installed architecture, for which the diagnosis was called.
    """
    diagnosis, runs = build_component(trial), [*_make_runs()]
    for name, rows in runs:
        verdict = diagnosis(rows, make_frozen_recipe())
        for advice in verdict.advice if verdict else ():
            wrong = find_advice_defect(advice)
            require(not wrong, as_sentence(f"For {name} it advises {advice!r}: {wrong}"))
    cases = import_object(trial.spec.cases)() if trial.spec.cases else ()
    runs += [(f"case {case.name!r}", case.given["rows"]) for case in cases]
    for recipe in list_recipes():
        arch, known = recipe["arch"]["name"], set[str]()
        for name, rows in runs:
            verdict = diagnosis(rows, recipe)
            for advice in set(verdict.advice if verdict else ()) - known:
                known.add(advice)
                wrong = find_unresolved_advice(advice, recipe)
                require(not wrong, as_sentence(f"For {name} with arch {arch!r} it advises {advice!r}: {wrong}"))


def light_import(trial: Trial) -> None:
    """Its module imports no heavy library, because runs are diagnosed without torch."""
    require_light(trial.entry.plugin, trial.spec.factory.partition(":")[0], "compute with Python's numbers")


def measure_case(trial: Trial, case: Case) -> dict[str, float]:
    """Return the verdict for the rows of a case: the value 1 under the verdict's code, or under ``nothing``."""
    verdict = trial.build(**case.options)(case.given["rows"], case.given.get("recipe", make_frozen_recipe()))
    return {"nothing" if verdict is None else verdict.code: 1.0}


# ----------------------------------------------------------------------------
# Runs to look at.


def _make_runs() -> Iterator[tuple[str, Sequence[Row]]]:
    """Yield made-up runs: words that name the run, and its rows."""
    yield "a run that goes well", [_make_row(tick, math.log(2), math.log(2), 0.1, -0.1) for tick in range(1, 60)]
    yield "a run whose D is sure of everything", [_make_row(tick, 1e-6, 20.0, 20.0, -20.0) for tick in range(1, 60)]
    yield (
        "a run whose D knows nothing",
        [_make_row(tick, 2 * math.log(2), math.log(2), 0.0, 0.0) for tick in range(1, 60)],
    )
    yield (
        "a run whose losses grow without end",
        [_make_row(t, -(10.0 ** (t / 4)), 10.0 ** (t / 4), 1e3, -1e3) for t in range(1, 60)],
    )
    yield (
        "a run with numbers that are not finite",
        [_make_row(1, 1.0, 1.0, 0.0, 0.0), _make_row(2, math.nan, math.inf, 0.0, 0.0)],
    )
    yield "a run after its first tick", [_make_row(1, 1.4, 0.7, 0.0, 0.0)]
    yield "a run whose rows hold images alone", [{"images": 1000 * tick} for tick in range(1, 60)]
    yield "a run with a metric", [_make_row(1, 1.4, 0.7, 0.0, 0.0), {"images": 1000, "some-metric/distance": 3.5}]


def _make_row(tick: int, loss_d: float, loss_g: float, real: float, fake: float) -> Row:
    """Return a row as a run writes it at each tick."""
    row = {"images": 1000 * tick, "seconds": 2.0 * tick, "images_per_second": 500.0, "memory": 2**28}
    return row | {"loss_d": loss_d, "loss_g": loss_g, "real": real, "fake": fake}
