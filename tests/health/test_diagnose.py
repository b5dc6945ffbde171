"""Diagnoses: pure functions of a run's rows, one of which may fail without the others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ganzoo.health.diagnose import build_diagnoses, diagnose
from ganzoo.plugin import DataInfo, Diagnosis, Verdict
from ganzoo.runs.words import describe_verdict

ROWS = [{"images": 10, "real": 1.0}, {"images": 20, "real": 9.0}]


def high(rows: Any, recipe: Any) -> Verdict | None:
    found = [row["images"] for row in rows if row["real"] > recipe["limit"]]
    return Verdict(code="d-wins", words="D is sure", since=found[0], advice=("a=1", "b=2")) if found else None


def broken(rows: Any, recipe: Any) -> None:
    raise KeyError("real")


def test_a_diagnosis_that_fails_is_reported_and_the_others_go_on() -> None:
    failed: list[tuple[str, str]] = []

    def note(name: str, error: Exception) -> None:
        failed.append((name, f"{type(error).__name__}: {error}"))

    diagnoses = {"broken": broken, "high": high, "talker": lambda rows, recipe: "all is well"}
    (found,) = diagnose(diagnoses, ROWS, {"limit": 5}, note)
    assert (found.code, found.since) == ("d-wins", 20)
    assert failed == [("broken", "KeyError: 'real'"), ("talker", "TypeError: it returned str, not Verdict or None")]
    assert diagnose({"high": high}, ROWS, {"limit": 10}, note) == []


@pytest.mark.parametrize(
    ("severity", "advice", "line"),
    [
        ("warn", (), "warning: D is sure"),
        ("warn", ("reg.r1.gamma=4",), "warning: D is sure; try reg.r1.gamma=4"),
        ("stop", ("a=1", "--aug ada"), "this run will not recover: D is sure; try a=1, or --aug ada"),
    ],
)
def test_a_verdict_is_described_in_a_sentence(severity: Any, advice: tuple[str, ...], line: str) -> None:
    assert describe_verdict(Verdict(code="d-wins", severity=severity, words="D is sure", advice=advice)) == line


def test_installed_diagnoses_are_built_for_the_data() -> None:
    def entry(name: str, build: Any) -> Any:
        spec = Diagnosis(name=name, summary="Sees.", factory="nowhere:nothing")
        return SimpleNamespace(qualified=f"acme:{name}", spec=spec, build=build)

    def refuses(options: Any, data: Any) -> Any:
        raise ValueError("no")

    entries = [entry("good", lambda options, data: (options, data)), entry("bad", refuses)]
    failed: list[str] = []
    registry: Any = SimpleNamespace(components=lambda kind: entries if kind == "diagnosis" else [])
    data = DataInfo(shape=(1, 4, 4))
    built = build_diagnoses(registry, data, lambda name, error: failed.append(f"{name}: {error}"))
    assert list(built) == ["acme:good"]
    options, seen = built["acme:good"]  # type: ignore[misc]
    assert (type(options), seen) == (entries[0].spec.options, data)
    assert failed == ["acme:bad: no"]
