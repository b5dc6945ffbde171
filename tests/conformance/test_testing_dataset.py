"""A dataset that needs a path is checked with its examples, and in full with a path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.testing import check_dataset


def statuses(**options: object) -> dict[str, tuple[str, str]]:
    results = check_dataset("folder", options=options)
    return {result.check.rpartition("/")[2]: (result.status, result.message) for result in results}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(70):
        pixels = np.full((9, 8, 3), 3 * number, dtype=np.uint8)
        path = tmp_path / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path


def test_without_a_path_its_examples_are_checked() -> None:
    found = statuses()
    skipped = {"cases", "migrates", "info-matches-spec", "draws-follow-the-generator", "show-makes-files"}
    skipped |= {"condition-follows-the-generator"}
    assert {name: words for name, (status, words) in found.items() if status != "PASS" and name not in skipped} == {}


def test_with_its_path_nothing_that_applies_is_skipped(images: Path) -> None:
    (images / "b" / "broken.png").write_bytes(b"no image")
    found = statuses(path=str(images), size=8)
    skipped = {name for name, (status, _) in found.items() if status == "SKIP"}
    assert "FAIL" not in {status for status, _ in found.values()}, found
    assert skipped == {
        "cases",
        "migrates",
        "draws-follow-the-generator",
        "show-makes-files",
        "condition-follows-the-generator",
    }


def test_a_path_that_was_given_must_open(tmp_path: Path) -> None:
    failed = {name: words for name, (status, words) in statuses(path=str(tmp_path)).items() if status == "FAIL"}
    assert list(failed) == ["factory-resolves"]  # reported once
    assert "has no images" in failed["factory-resolves"]
