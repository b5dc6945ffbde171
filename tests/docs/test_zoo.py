"""The page of the zoo shows what packages and results say, and no value beside one that it cannot be compared with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ganzoo_models import MODELS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8")


@pytest.fixture
def zoo(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import zoo

    return zoo


def make_row(recipe: str, seed: int, value: float, **changes: Any) -> dict[str, Any]:
    """Return a row of the leaderboard as the benchmark saves it."""
    prints = {"frechet/fd": changes.pop("fingerprint", "a" * 16), "prdc/density": "b" * 16, "prdc/coverage": "b" * 16}
    measured = {"value": value, "ratio": value / 2, "floor": 2.0}
    scores = [{"name": name, "fingerprint": each, **measured} for name, each in prints.items()]
    return {
        "recipe": recipe, "dataset": "emoji", "seed": seed, "budget": 60.0, "size": 32, "words": f"--arch {recipe}",
        "processor": "P", "images": 1200, "seconds": 60.0, "parameters": [10, 20], "state": 2**20, "kept": 2**20,
        "scores": scores, **changes,
    }  # fmt: skip


def write_tables(zoo: ModuleType, folder: Path, *rows: dict[str, Any]) -> list[str]:
    """Return the lines of the leaderboard of some rows."""
    file = folder / "leaderboard-2026-01-01.json"
    protocol = {"extractor": "extractors:squeezenet", "fake": 950}
    file.write_text(json.dumps({"rows": rows, "protocols": {"a" * 16: protocol, "c" * 16: protocol}}))
    return list(zoo.write_leaderboard(file))


def test_recipes_stand_in_the_order_of_their_means_with_their_spread(zoo: ModuleType, tmp_path: Path) -> None:
    rows = [make_row("sngan", 0, 8.0), make_row("dcgan", 0, 4.0), make_row("sngan", 1, 6.0), make_row("dcgan", 1, 6.0)]
    lines = write_tables(zoo, tmp_path, *rows)
    table = [line for line in lines if line.startswith("| `")]
    assert [line.split(" | ")[0] for line in table] == ["| `--arch dcgan`", "| `--arch sngan`"]
    assert "| 5 (4 to 6) | 2.5 (2 to 3) |" in table[0]
    assert "| 1,200 | 20 | 10, 20 | 2 |" in table[0]
    assert "the first try" in table[0]  # docs/convolutions.md says so
    assert any("2 seeds" in line for line in lines)
    assert any("distance 2, which is the floor" in line for line in lines)


def test_only_the_longest_trainings_are_shown(zoo: ModuleType, tmp_path: Path) -> None:
    lines = write_tables(zoo, tmp_path, make_row("dcgan", 0, 4.0), make_row("sngan", 0, 3.0, budget=180.0))
    assert any("Each training cost 3 minutes" in line for line in lines)
    assert not any("--arch dcgan" in line for line in lines)


def test_values_of_two_fingerprints_have_two_tables(zoo: ModuleType, tmp_path: Path) -> None:
    lines = write_tables(zoo, tmp_path, make_row("dcgan", 0, 4.0), make_row("sngan", 0, 3.0, fingerprint="c" * 16))
    assert sum(line.startswith("| after") for line in lines) == 2


def test_a_training_that_failed_is_said(zoo: ModuleType, tmp_path: Path) -> None:
    failed = make_row("gat", 0, 4.0, failed="it diverged")
    del failed["scores"]
    lines = write_tables(zoo, tmp_path, make_row("dcgan", 0, 4.0), failed)
    assert "`--arch gat` failed after 60 s (seed 0): it diverged" in lines


def test_every_recipe_of_the_leaderboard_has_a_sentence_on_when_to_take_it(
    zoo: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import leaderboard

    uses = {name: zoo.find_use(leaderboard.write_words(settings)) for name, settings in leaderboard.CONTESTANTS.items()}
    assert all(uses.values()), uses
    assert uses["lsgan"] != uses["dcgan"]
    assert zoo.find_use("--arch acme") == ""


def test_every_included_model_is_on_the_page_with_its_samples_and_scores() -> None:
    for name in MODELS:
        config = json.loads((ROOT / "plugins" / "ganzoo_models" / name / "config.json").read_text())
        section = PAGE.partition(f"### ganzoo:{name}\n")[2].partition("\n##")[0]
        (file,) = {Path(each).name for each in re.findall(rf"\(\.\./plugins/ganzoo_models/{name}/(.*?)\)", section)}
        assert (ROOT / "plugins" / "ganzoo_models" / name / file).is_file()
        assert all(f"`{entry['fingerprint']}`" in section for entry in config["metrics"])
        assert MODELS[name].data in section
