"""Checks of exact values that a component declares: one check for each `Case`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from importlib import import_module

from ganzoo.plugin import Built, Case
from ganzoo.registry.calling import import_object
from ganzoo.registry.failures import describe_error
from ganzoo.registry.installed import RegisteredComponent
from ganzoo.testing.checks import Check, Failure, NotChecked, Trial, require

CONTRACT = "A component computes the exact values of its cases."


def make_case_checks(trial: Trial) -> list[Check]:
    """Return a check for each case of a component; without cases, one check that reports that they are missing."""
    if not isinstance(trial.spec, Built):
        return []
    if not trial.spec.cases:
        has_cases = hasattr(import_module(f"ganzoo.testing.{trial.spec.kind}"), "measure_case")
        return [Check(f"{trial.title}/cases", CONTRACT, _report_no_cases)] if has_cases else []
    try:
        cases = list(_load_cases(trial.entry))
    except Exception as error:
        return [Check(f"{trial.title}/cases", CONTRACT, partial(_report_unreadable, trial.spec.cases, error))]
    return [Check(f"{trial.title}/case[{case.name}]", CONTRACT, partial(_check_case, trial, case)) for case in cases]


def _load_cases(entry: RegisteredComponent) -> list[Case]:
    assert isinstance(entry.spec, Built)
    cases: list[Case] = list(import_object(entry.spec.cases)())
    return cases


def _report_no_cases() -> None:
    raise NotChecked("it has no cases, so a wrong factor, axis or point would pass: add some (see ganzoo.plugin.Case)")


def _check_case(trial: Trial, case: Case) -> None:
    kind = import_module(f"ganzoo.testing.{trial.spec.kind}")
    require(hasattr(kind, "measure_case"), f"A {trial.spec.kind} has no cases.")
    try:
        measured: Mapping[str, float] = kind.measure_case(trial, case)
    except KeyError as error:
        if error.args[0] in case.given:
            raise
        given = ", ".join(case.given) or "nothing"
        raise Failure(f"Case {case.name!r} has {given} in `given`, and needs {error.args[0]!r}.") from error
    for name, wanted in case.expected.items():
        computed = ", ".join(measured) or "nothing"
        require(name in measured, f"Case {case.name!r} expects {name!r}, but the component computed {computed}.")
        off = abs(measured[name] - wanted) / max(1.0, abs(wanted))
        close = math.isfinite(off) and off <= case.tolerance
        require(close, f"Case {case.name!r}: {name} is {measured[name]:.9g}, not {wanted:.9g} (off by {off:.2g}).")


def _report_unreadable(path: str, error: Exception) -> None:
    raise Failure(f"{path} could not be read: {describe_error(error)}.")
