"""Sweeps: what is started, what is resumed, what is not repeated; and commands for other machines."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from importlib import metadata
from pathlib import Path

import pytest
from PIL import Image

import ganzoo as api
from cli_calls import Ganzoo, process
from ganzoo.runs.run import Run, list_runs

TINY = ("--arch", "mlp", "--dataset", "points", "--batch", "64", "--images", "256")


def states(ganzoo: Ganzoo, *args: str) -> list[str]:
    """Return the states of the runs of a sweep, by a dry run."""
    answer = ganzoo("sweep", *args, "--dry-run")
    assert answer.code == 0, answer.err
    return [line.split()[0] for line in answer.out.splitlines()[1:]]


def test_a_dry_run_lists_the_runs_and_changes_nothing(ganzoo: Ganzoo) -> None:
    answer = ganzoo(
        "sweep", *TINY, "--loss", "bce,lsgan", "optim.g.lr=1e-4,constant(1e-3)", "--seeds", "2", "--dry-run"
    )
    lines = answer.out.splitlines()
    assert answer.code == 0
    assert len(lines) == 9
    assert "new    loss=bce optim.g.lr=constant(1e-3) train.seed=1" in lines
    assert os.listdir() == []


def test_a_wrong_value_in_any_cell_is_refused_before_the_first_run(ganzoo: Ganzoo) -> None:
    answer = ganzoo("sweep", *TINY, "optim.g.lr=1e-4,fast", "--seeds", "2")
    assert answer.code == 2
    assert answer.err.startswith("ganzoo: optim.g.lr=fast train.seed=0: optim.g.lr: expected a number")
    assert os.listdir() == []


def test_a_missing_package_is_told_before_the_first_run(ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch) -> None:
    found = metadata.version

    def hide(name: str) -> str:
        if name == "wandb":
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "version", hide)
    answer = ganzoo("sweep", *TINY, "--tracker", "csv,wandb", "--dry-run")
    assert answer.code == 3
    assert answer.err.startswith("ganzoo: tracker=wandb: tracker 'wandb' needs wandb")


def test_commands_are_those_of_train_and_can_be_typed(ganzoo: Ganzoo, tmp_path: Path) -> None:
    args = ("sweep", *TINY, "--reg", "r1", "--reg", "r2,none", "optim.d.lr=constant(1e-3)", "--name", "mine")
    lines = ganzoo(*args, "--print", "commands").out.splitlines()
    place, program, *words = shlex.split(lines[0])
    assert (place, program, len(lines)) == (f"GANZOO_RUNS={tmp_path}/runs/mine", "ganzoo", 2)
    assert [words[i + 1] for i, word in enumerate(words) if word == "--reg"] == ["r1", "r2"]
    shown = ganzoo(*words, "--dry-run").out
    assert "optim.d.lr" in shown
    assert "constant(0.001)" in shown
    script = ganzoo(*args, "--print", "slurm").out
    assert "#SBATCH --array=0-1\n" in script
    stub = (
        f'ganzoo() {{ echo "$GANZOO_RUNS" "$@"; }}; exec() {{ "$@"; }}; SLURM_ARRAY_TASK_ID=1; cd() {{ :; }}\n{script}'
    )
    done = subprocess.run(["bash"], input=stub, capture_output=True, text=True, check=True)
    assert done.stdout.split()[:4] == [f"{tmp_path}/runs/mine", "train", "--arch", "mlp"]
    assert "--reg none" in done.stdout


def test_a_run_is_named_by_its_path_in_the_command(ganzoo: Ganzoo, runs: Path) -> None:
    answer = ganzoo("sweep", "--config", "0", "--seeds", "2", "--print", "commands")
    assert f"--config {(runs / '0000-dcgan-bce-digits').resolve()}" in answer.out


def make_pictures(folder: Path) -> None:
    folder.mkdir()
    for index in range(4):
        Image.effect_noise((16, 16), 60 + index).save(folder / f"{index}.png")


@pytest.mark.slow
def test_finished_runs_are_kept_and_failed_ones_are_retried_only_if_wanted(ganzoo: Ganzoo) -> None:
    make_pictures(Path("good"))
    Path("bad").mkdir()
    Path("bad/one.png").write_bytes(b"not a picture")
    args = ("--arch", "dcgan", "arch.width=2", "--dataset", "good,bad", "--size", "16", "--batch", "4", "--images", "8")
    answer = ganzoo("sweep", *args, "--jobs", "2")
    assert answer.code == 1
    assert "1 of 2 runs failed, the first at dataset=bad: " in answer.err
    assert "--retry tries failed runs again" in answer.err
    assert states(ganzoo, *args) == ["finished", "failed"]
    again = ganzoo("sweep", *args)
    assert again.code == 1
    assert "started" not in again.err
    Path("bad/one.png").write_bytes(Path("good/0.png").read_bytes())
    done = ganzoo("sweep", *args, "--retry")
    assert (done.code, done.out) == (0, "runs/sweep-dataset\n")
    assert done.err.count("started") == 1
    assert states(ganzoo, *args) == ["finished", "finished"]
    assert [run.finished for run in list_runs(Path("runs/sweep-dataset"))] == [True, True]


@pytest.mark.slow
def test_an_interrupted_sweep_saves_and_goes_on(ganzoo: Ganzoo) -> None:
    args = ("--arch", "mlp", "--dataset", "points", "--batch", "64", "--images", "30000", "--name", "long")
    started = process("sweep", *args)
    folder = Path("runs/long")
    while not any(run.rows() for run in list_runs(folder)):
        assert started.poll() is None
        time.sleep(0.1)
    started.send_signal(signal.SIGTERM)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "interrupted: 1 unfinished; the same command goes on" in err
    (run,) = list_runs(folder)
    assert 0 < run.images < 30_000
    assert states(ganzoo, *args) == ["unfinished"]
    assert f"--resume {run.path}" in ganzoo("sweep", *args, "--print", "commands").out
    assert ganzoo("sweep", *args).code == 0
    assert [each.path for each in list_runs(folder)] == [run.path]
    assert run.finished
    settings = {"arch": "mlp", "dataset": "points", "batch": 64, "images": 30_000}
    assert api.sweep(settings, name="long", progress=False) == [Run(run.path)]
