"""Exact values that a component gives of itself: one check for each `Case`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from importlib import import_module

from ganzoo.plugin import Built, Case
from ganzoo.registry.installed import Registered, describe_error, import_object
from ganzoo.testing.checks import Broken, Check, Trial, Unseen, require

CONTRACT = "A component gives the exact values of its cases."


def case_checks(trial: Trial) -> list[Check]:
    """Return a check for each case of a component; where it has none, one that says what nobody looked at."""
    if not isinstance(trial.spec, Built):
        return []
    if not trial.spec.cases:
        able = hasattr(import_module(f"ganzoo.testing.{trial.spec.kind}"), "measured")
        return [Check(f"{trial.title}/cases", CONTRACT, _miss)] if able else []
    try:
        cases = list(_cases(trial.entry))
    except Exception as error:
        return [Check(f"{trial.title}/cases", CONTRACT, partial(_unreadable, trial.spec.cases, error))]
    return [Check(f"{trial.title}/case[{case.name}]", CONTRACT, partial(_holds, trial, case)) for case in cases]


def _cases(entry: Registered) -> list[Case]:
    assert isinstance(entry.spec, Built)
    cases: list[Case] = list(import_object(entry.spec.cases)())
    return cases


def _miss() -> None:
    raise Unseen("it has no cases: a wrong factor, axis or point would pass (see ganzoo.plugin.Case)")


def _holds(trial: Trial, case: Case) -> None:
    kind = import_module(f"ganzoo.testing.{trial.spec.kind}")
    require(hasattr(kind, "measured"), f"A {trial.spec.kind} has no cases.")
    try:
        measured: Mapping[str, float] = kind.measured(trial, case)
    except KeyError as error:
        if error.args[0] in case.given:
            raise
        given = ", ".join(case.given) or "nothing"
        raise Broken(f"Case {case.name!r} gives {given}, and is asked for {error.args[0]!r}.") from error
    for name, wanted in case.expected.items():
        require(name in measured, f"Case {case.name!r} names {name!r}; it gave {', '.join(measured) or 'nothing'}.")
        off = abs(measured[name] - wanted) / max(1.0, abs(wanted))
        close = math.isfinite(off) and off <= case.tolerance
        require(close, f"Case {case.name!r}: {name} is {measured[name]:.9g}, not {wanted:.9g} (off by {off:.2g}).")


def _unreadable(path: str, error: Exception) -> None:
    raise Broken(f"{path} could not be read: {describe_error(error)}.")
