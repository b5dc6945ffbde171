"""Verdicts on a run: what every diagnosis says of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganzoo.plugin import Built, DataInfo, Verdict
from ganzoo.registry import Registry

Recipe = Mapping[str, Any]  # frozen, as JSON
Row = Mapping[str, Any]  # of stats.jsonl: a tick, or values that metrics measured
Diagnosis = Callable[[Sequence[Row], Recipe], Verdict | None]  # (rows, oldest first; recipe) -> what is wrong, or None
Failed = Callable[[str, Exception], None]  # (name, error)


def installed(registry: Registry, data: DataInfo, failed: Failed) -> dict[str, Diagnosis]:
    """Return every diagnosis that plugins offer, with its default options, by its qualified name.

    Args:
        registry: Where they are found.
        data: What the run is trained on.
        failed: Is told of a diagnosis that cannot be built.
    """
    built: dict[str, Diagnosis] = {}
    for entry in registry.components("diagnosis"):
        assert isinstance(entry.spec, Built)
        try:
            built[entry.qualified] = entry.build(entry.spec.options(), data)
        except Exception as error:
            failed(entry.qualified, error)
    return built


def diagnose(diagnoses: Mapping[str, Diagnosis], rows: Sequence[Row], recipe: Recipe, failed: Failed) -> list[Verdict]:
    """Return what diagnoses say of a run, in their order; those that see nothing wrong say nothing.

    Args:
        diagnoses: By name.
        rows: Of the run's ``stats.jsonl``, oldest first.
        recipe: That the run follows, as JSON.
        failed: Is told of a diagnosis that raises an error, or returns something else; the others go on.
    """
    verdicts = []
    for name, diagnosis in diagnoses.items():
        try:
            verdict = diagnosis(rows, recipe)
            if verdict is not None and not isinstance(verdict, Verdict):
                raise TypeError(f"it returned {type(verdict).__name__}, not Verdict or None")
        except Exception as error:
            failed(name, error)
            continue
        verdicts += [] if verdict is None else [verdict]
    return verdicts
