"""Runs that are given a time: a few updates are measured, and their number of images is frozen."""

import time

import pytest
import torch

import ganzoo
from ganzoo.engine import checkpoint, trial
from ganzoo.engine.distributed import ALONE
from ganzoo.engine.setup import set_up
from ganzoo.errors import UsageError
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

TOY = {"arch": "toy", "dataset": "toy-array", "device": "cpu", "progress": False}
SLOW = {"train.batch": 8, "train.grid_every": 10**9}


class Lines:
    def __init__(self):
        self.lines = []

    def note(self, event):
        self.lines.append(event.line)


def test_a_run_takes_the_time_that_it_is_given(toys):
    listener, start = Lines(), time.monotonic()
    run = ganzoo.train(**TOY, time="4s", options=SLOW, listener=listener)
    took = time.monotonic() - start
    train = run.recipe()["train"]
    assert train["time"] == "4s"
    assert train["images"] % 8 == 0
    assert run.images == run.length == train["images"] > 8
    assert took < 60  # also where many programs use the machine
    said = next(line for line in listener.lines if line.startswith("train.time=4s: "))
    assert said.startswith(f"train.time=4s: {train['images']:,} images at ")
    assert said in (run.path / "log.txt").read_text()


def test_a_trial_changes_nothing_of_the_training(toys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(trial, "measure_speed", lambda setup, wanted: 100.0)
        measured = ganzoo.train(**TOY, time="2s", options=SLOW)
    images = measured.recipe()["train"]["images"]
    plain = ganzoo.train(**TOY, images=images, options=SLOW)
    first, second = (checkpoint.load(run.checkpoints[-1])[0] for run in (measured, plain))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_real_trial_changes_nothing_of_the_training(toys, monkeypatch):
    monkeypatch.setattr(trial, "_set_length", lambda setup, *others: trial._change(setup, images=160))
    monkeypatch.setattr(trial, "LEAST", 0.01)
    measured = ganzoo.train(**TOY, time="1s", options=SLOW)
    plain = ganzoo.train(**TOY, images=160, options=SLOW)
    first, second = (checkpoint.load(run.checkpoints[-1])[0] for run in (measured, plain))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_resumed_run_keeps_its_images(toys, monkeypatch):
    monkeypatch.setattr(trial, "measure_speed", lambda setup, wanted: 100.0)
    run = ganzoo.train(**TOY, time="2s", options=SLOW)
    images = run.length
    monkeypatch.setattr(trial, "measure_speed", lambda setup, wanted: pytest.fail("it is measured again"))
    with pytest.raises(UsageError, match="is finished"):
        ganzoo.train(resume=run, progress=False)
    with pytest.raises(UsageError, match=r"train\.time: a resumed run keeps its settings"):
        ganzoo.train(resume=run, time="3s", progress=False)
    longer = ganzoo.train(resume=run, images=images + 80, progress=False)
    assert longer.images == images + 80
    assert longer.recipe()["train"]["time"] is None


def test_memory_that_runs_out_makes_smaller_parts(toys, monkeypatch):
    asked = []

    def measure(setup, wanted):
        asked.append(setup.recipe.train.micro_batch)
        if (asked[-1] or 8) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 100.0

    monkeypatch.setattr(trial, "measure_speed", measure)
    run = ganzoo.train(**TOY, time="2s", options=SLOW)
    assert asked == [None, 4, 2]
    assert run.recipe()["train"]["micro_batch"] == 2
    with pytest.raises(torch.OutOfMemoryError):
        ganzoo.train(**TOY, time="2s", options=SLOW | {"train.micro_batch": 4})


def test_the_execution_is_chosen_for_the_length_that_fits(toys, monkeypatch):
    speeds, asked = iter([10.0, 30.0]), []

    def measure(setup, wanted):
        asked.append((setup.recipe.train.execution, setup.recipe.train.images))
        return next(speeds)

    def choose(recipe, *others):
        return "compile" if recipe.train.images < 1000 else "eager"

    monkeypatch.setattr(trial, "measure_speed", measure)
    monkeypatch.setattr(trial, "choose_execution", choose)
    recipe = resolve(registry(), pairs={"arch": "toy", "dataset": "toy-array", "train.time": "10s"})
    found, _ = trial.fit_to_time(set_up(recipe, "cpu", ALONE, print))
    train = found.recipe.train
    assert asked == [("eager", 150_000), ("compile", asked[1][1])]
    assert asked[1][1] < 100 < train.images < 300
    assert train.execution == "compile"
