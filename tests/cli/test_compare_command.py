"""Comparing runs: groups over seeds, what differs, scores, stability, and values that cannot be compared."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import ganzoo as api
from cli_calls import Ganzoo
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo.runs.run import Run

FD = "pixel-moments/fd"


def make_run(number: int, values: list[float], seed: int = 0, folder: str = "runs", **settings: Any) -> Run:
    """Write a finished run that measured values, at 100 images each."""
    run = Run(Path(folder) / f"{number:04d}-made")
    (run.path / "checkpoints").mkdir(parents=True)
    pairs = {
        "train.seed": seed,
        "train.images": 100 * len(values),
        "metric": "pixel-moments",
        "arch": "dcgan",
        **settings,
    }
    run.write_recipe(resolve(registry(), pairs=pairs).to_json())
    for index, value in enumerate(values):
        images = 100 * (index + 1)
        run.add_stats({"images": images, "images_per_second": 50.0 * (index + 1), "memory": 2**20 * (index + 1)})
        run.add_stats({"images": images, FD: value})
    run.get_checkpoint_path(100 * len(values)).touch()
    write_score(run, values[-1], seed=seed, real=10, fake=10)
    return run


def write_score(run: Run, value: float, **protocol: Any) -> None:
    """Store an evaluation of a run."""
    score = {"name": FD, "value": value, "fingerprint": json.dumps(protocol), "protocol": protocol}
    run.evaluations_file.write_text(json.dumps({"images": 300, "scores": [score]}) + "\n")


def test_runs_of_one_setting_share_a_row(ganzoo: Ganzoo) -> None:
    make_run(0, [9.0, 4.0, 5.0], seed=0)
    make_run(1, [9.0, 4.0, 7.0], seed=1)
    make_run(2, [9.0, 4.0, 3.0], seed=0, loss="lsgan")
    found = api.compare(0, 1, "2")
    best, other = found.groups
    assert (dict(best.differing), best.seeds, best.scores[FD].mean) == ({"loss": "lsgan"}, ["0"], 3.0)
    score = other.scores[FD]
    assert (score.mean, score.worst, score.stable, score.num) == (6.0, 7.0, 0.5, 2)
    assert (other.speed, other.memory) == (100.0, 3 * 2**20)
    lines = ganzoo("compare", "runs").out.splitlines()
    assert lines[0].split() == ["loss", "seeds", FD, "worst", "stable", "images/s", "MiB"]
    assert [line.split() for line in lines[1:]] == [
        ["lsgan", "1", "3", "3", "100%", "100", "3"],
        ["bce", "2", "6", "7", "50%", "100", "3"],
    ]


def test_output_for_scripts(ganzoo: Ganzoo) -> None:
    make_run(0, [4.0], seed=0)
    make_run(1, [6.0], seed=0, loss="lsgan")
    (row, other) = csv.DictReader(io.StringIO(ganzoo("compare", "0", "1", "--csv").out))
    assert (row["loss"], float(row[FD]), row["seeds"], other["loss"]) == ("bce", 4.0, "1", "lsgan")
    page = ganzoo("compare", "0", "1", "--report", "both.html")
    assert "report: both.html" in page.err
    assert "0001-made" in Path("both.html").read_text()
    found = json.loads(ganzoo("compare", "0", "1", "--json").out)
    assert found["groups"][0]["scores"][FD]["mean"] == 4.0


def test_an_evaluation_replaces_the_value_of_the_training() -> None:
    write_score(make_run(0, [4.0]), 5.0, seed=0, real=10, fake=10)
    assert api.compare(0).groups[0].scores[FD].mean == 5.0


def test_seeds_can_be_compared_and_other_protocols_cannot(ganzoo: Ganzoo) -> None:
    write_score(make_run(0, [4.0], seed=0), 5.0, seed=0, real=10, fake=10, content="a", reference="digits")
    write_score(make_run(1, [4.0], seed=1), 5.0, seed=1, real=10, fake=10, content="b", reference="digits")
    assert api.compare(0, 1).notes == []
    write_score(make_run(2, [4.0], loss="lsgan"), 5.0, seed=0, real=20, fake=20, content="c", reference="digits")
    answer = ganzoo("compare", "0", "1", "2")
    assert "5 (a)" in answer.out
    assert "5 (b)" in answer.out
    assert f"{FD}: (a) and (b) cannot be compared: number of generated samples 10 and 20" in answer.err
    write_score(Run(Path("runs/0002-made")), 5.0, seed=0, real=10, fake=10, content="d", reference="digits")
    assert "cannot be compared: other real samples" in ganzoo("compare", "0", "2").err


def test_unfinished_runs_and_missing_values_are_shown(ganzoo: Ganzoo) -> None:
    run = make_run(0, [4.0, 3.0])
    run.get_checkpoint_path(200).unlink()
    other = make_run(1, [4.0, 3.0], seed=1)
    other.stats_file.unlink()
    other.evaluations_file.unlink()
    answer = ganzoo("compare", "0", "1")
    assert "2 (1 unfinished)  3 of 1" in answer.out


def test_what_cannot_be_compared_is_said(ganzoo: Ganzoo) -> None:
    make_run(0, [4.0])
    answer = ganzoo("compare", "0", "--metric", "fdi")
    assert (answer.code, answer.err) == (2, f"ganzoo: no run measured 'fdi'; they measured {FD}\n")
    (Path("runs/0000-made") / "recipe.json").write_text("{}")
    assert ganzoo("compare", "0").code == 6
    assert ganzoo("compare").code == 2


@pytest.mark.parametrize("name", ["0000-made", "mine"])
def test_a_name_that_is_no_run(ganzoo: Ganzoo, name: str) -> None:
    assert ganzoo("compare", name).code == 4
