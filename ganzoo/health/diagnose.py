"""Verdicts on a run: every diagnosis is called with the run's rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganzoo.plugin import DataInfo, Verdict
from ganzoo.plugin import Diagnosis as DiagnosisSpec
from ganzoo.plugin.around import STAGES
from ganzoo.registry import Registry

Frozen = Mapping[str, Any]  # a frozen recipe, as JSON
Row = Mapping[str, Any]  # a row of stats.jsonl: a tick, or the values of metrics
Diagnosis = Callable[[Sequence[Row], Frozen], Verdict | None]  # (rows, oldest first; recipe) -> a verdict, or None
SEVERITIES = ("stop", "warn", "info")  # the worst first
OnError = Callable[[str, Exception], None]  # (name, error)


def build_diagnoses(registry: Registry, data: DataInfo, on_error: OnError) -> dict[str, Diagnosis]:
    """Build every installed diagnosis with its default options; return them by qualified name, causes first.

    Args:
        registry: The registry of the installed plugins.
        data: The data that the run is trained on.
        on_error: A function that is called with the name of each diagnosis that cannot be built, and its error.
    """
    built: dict[str, Diagnosis] = {}
    entries = [(e, e.spec) for e in registry.components("diagnosis") if isinstance(e.spec, DiagnosisSpec)]
    for entry, spec in sorted(entries, key=lambda each: STAGES.index(each[1].stage)):
        try:
            built[entry.qualified] = entry.build(spec.options(), data)
        except Exception as error:
            on_error(entry.qualified, error)
    return built


def diagnose(
    diagnoses: Mapping[str, Diagnosis], rows: Sequence[Row], recipe: Frozen, on_error: OnError
) -> list[Verdict]:
    """Return the verdicts of the diagnoses: the worst first, else in their order, in which causes come first.

    Args:
        diagnoses: The diagnoses, by name.
        rows: The rows of the run's ``stats.jsonl``, oldest first.
        recipe: The run's frozen recipe, as JSON.
        on_error: A function that is called with the name and the error of each diagnosis that raises an error or
            returns something else than a verdict or None. The other diagnoses go on.
    """
    verdicts = []
    for name, diagnosis in diagnoses.items():
        try:
            verdict = diagnosis(rows, recipe)
            if verdict is not None and not isinstance(verdict, Verdict):
                raise TypeError(f"it returned {type(verdict).__name__}, not Verdict or None")
        except Exception as error:
            on_error(name, error)
            continue
        verdicts += [] if verdict is None else [verdict]
    return sorted(verdicts, key=lambda verdict: SEVERITIES.index(verdict.severity))
