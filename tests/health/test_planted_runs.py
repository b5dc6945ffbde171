"""Recorded runs: each with a planted failure has its verdict first, and those that go well have none.

``benchmarks/doctor.py --rows tests/health/planted`` trains and records them. A file has the recipe, the data and the
verdict in its first line, then the rows up to the verdict, at most 40.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ganzoo.health.diagnose import build_diagnoses, diagnose
from ganzoo.plugin import DataInfo
from ganzoo.registry import registry

FILES = sorted(Path(__file__).with_name("planted").glob("*.jsonl"))


def read_run(file: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    head, *rows = map(json.loads, file.read_text().splitlines())
    return head, rows


def list_codes(head: dict[str, Any], rows: list[dict[str, Any]], data: DataInfo) -> list[str]:
    failed: list[str] = []
    diagnoses = build_diagnoses(registry(), data, lambda name, error: failed.append(f"{name}: {error}"))
    found = diagnose(diagnoses, rows, head["recipe"], lambda name, error: failed.append(f"{name}: {error}"))
    assert failed == []
    return [verdict.code for verdict in found if verdict.severity != "info" or verdict.code == head["verdict"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_run_has_its_verdict_first_and_a_healthy_one_has_none(file: Path) -> None:
    head, rows = read_run(file)
    assert len(rows) <= 40
    data = DataInfo.from_json(head["data"])
    assert list_codes(head, rows, data)[:1] == [head["verdict"]] * bool(head["verdict"])


@pytest.mark.parametrize("file", [file for file in FILES if file.stem.isdigit()], ids=lambda file: file.stem)
def test_a_verdict_does_not_come_with_the_first_quarter_of_its_rows(file: Path) -> None:
    """The rows end where the verdict first came, so a rule that is too eager is noticed."""
    head, rows = read_run(file)
    if len(rows) > 4:  # else it follows from the data, or from a single look
        assert head["verdict"] not in list_codes(head, rows[: len(rows) // 4], DataInfo.from_json(head["data"]))
