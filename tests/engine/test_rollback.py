"""Runs that go back to their last good checkpoint, and runs that finish early."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

import ganzoo
import ranked
from ganzoo.engine import checkpoint, execution, rounds
from ganzoo.engine.checkpoint import load
from ganzoo.engine.events import Events
from ganzoo.engine.optim import NetworkOptimizer
from ganzoo.engine.rollback import Rollbacks
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.errors import UsageError
from ganzoo.health.signals import Diverged
from ganzoo.package.tensors import snapshot
from ganzoo.plugin import DataInfo, Metric, NoOptions, hookimpl
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import register, registry
from ganzoo.runs.run import Run

# ----------------------------------------------------------------------------
# A metric that is scripted.


VALUES: list[float] = []


class Scripted:
    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def reset(self) -> None:
        pass

    real = fake = lambda self, batch: None

    def compute(self) -> dict[str, float]:
        return {"value": VALUES.pop(0)}


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    factory = f"{__name__}:Scripted"
    yield Metric(name="script", summary="Returns values of a test.", factory=factory, better={"value": "lower"})


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)
    register(sys.modules[__name__])
    register(ranked)
    VALUES.clear()


ROLLBACK = {"train.on_nan": "rollback", "train.rollback_factor": 0.001, "train.checkpoint_every": 32}
FRAGILE = {"optim.d.name": "sgd", "optim.g.name": "sgd", "optim.d.lr": 30.0, "optim.g.lr": 0.01}


def train(**settings) -> Run:
    options = {**ROLLBACK, **FRAGILE, **settings.pop("options", {})}
    given = {"arch": "toy", "dataset": "toy-array", "loss": "fragile", "images": 160, "progress": False}
    return ganzoo.train(**{**given, **settings, "options": options})


def end(run: Run) -> dict[str, object]:
    """Return the last state of a run, bit for bit. When it is found to have diverged depends on time."""
    tensors, meta = load(run.checkpoints[-1])
    state: dict[str, object] = {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}
    state["rollbacks"] = [each["to"] for each in meta["rollbacks"]]
    return state | {name: meta[name] for name in ("images", "numbers", "best")}


def read_log(run: Run) -> str:
    return (run.path / "log.txt").read_text()


# ----------------------------------------------------------------------------
# Rolling back.


@pytest.mark.parametrize("name", ["eager", "compile"])
def test_a_run_that_diverges_goes_on_with_lower_learning_rates(monkeypatch, capfd, name):
    monkeypatch.setattr(execution, "compile_graph", lambda graph, inputs: graph)
    run = train(options={"train.execution": name}, progress=True)
    meta = load(run.checkpoints[-1])[1]
    assert run.finished
    (rollback,) = meta["rollbacks"]
    assert 0 <= rollback["to"] < rollback["from"] <= 160
    (row,) = [row for row in run.rows() if "rollback/count" in row]
    wanted = {"from": rollback["from"], "factor": 0.001, "count": 1}
    assert row == {"images": rollback["to"], **{f"rollback/{key}": value for key, value in wanted.items()}}
    images = [row["images"] for row in run.rows()]
    assert images == sorted(images)  # nothing is left of what was given up
    line = f"rolled back to {rollback['to']} images, learning rates times 0.001 (rollback 1 of 3)"
    assert read_log(run).count(line) == 1
    assert line in capfd.readouterr().err


@pytest.mark.parametrize("at", [4, 5, 7, 12])
def test_a_run_that_is_interrupted_before_or_after_a_rollback_ends_as_an_unbroken_one(monkeypatch, at):
    """The checkpoint of an interruption is not one that an unbroken run has, so the rollback goes to the one before."""
    settings = {"options": {"loss.limit": 1.5, "optim.d.lr": 0.2, "train.checkpoint_every": 48}}
    whole = train(**settings)
    assert load(whole.checkpoints[-1])[1]["rollbacks"]
    calls = []

    def interrupt(*args: object) -> object:
        calls.append(args)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGINT)
        return update(*args)

    update = rounds.update_generator
    monkeypatch.setattr(rounds, "update_generator", interrupt)
    with pytest.raises(ganzoo.GanzooError, match="stopped and saved"):
        train(**settings)
    broken = ganzoo.train(resume=True, progress=False)
    assert broken.path != whole.path
    assert end(broken) == end(whole)


def test_the_checkpoint_of_an_interruption_is_passed_over_if_there_is_another(make, tmp_path):
    gan, _ = make(ROLLBACK)
    run = Run(tmp_path / "run")
    (run.path / "checkpoints").mkdir(parents=True)
    tensors, numbers = gan.state()
    for images, interrupted in ((16, True), (32, False), (48, True)):
        meta = {"images": images, "numbers": numbers, "interrupted": interrupted}
        checkpoint.save(run.get_checkpoint_path(images), snapshot(tensors), meta)
    rollbacks = Rollbacks(run, gan, Events())
    assert rollbacks.roll_back("it diverged", "it is", 64)["images"] == 32
    assert [int(path.stem) for path in run.checkpoints] == [16, 32]
    run.get_checkpoint_path(32).unlink()
    assert rollbacks.roll_back("it diverged", "it is", 64)["images"] == 16


def test_after_the_last_rollback_the_run_ends_and_says_so():
    with pytest.raises(Diverged) as raised:
        train(loss="toy-nan", options={"train.rollbacks": 2, "loss.after": 3})
    text = str(raised.value)
    assert text.startswith("after 2 rollbacks (train.rollbacks=2) training diverged before 64 images: ")
    assert "try smaller learning rates (optim.g.lr=, optim.d.lr=)" in text
    assert "the last good checkpoint is" in text
    run = ganzoo.find_run(0)
    assert [row["rollback/count"] for row in run.rows() if "rollback/count" in row] == [
        2
    ]  # that of the first one is given up
    meta = load(run.checkpoints[-1])[1]
    assert [each["to"] for each in meta["rollbacks"]] == [32, 0]  # the second time to the one before


def test_a_run_without_a_good_checkpoint_cannot_roll_back():
    class Remover:
        def saved(self, event):
            event.path.write_bytes(b"damaged")

    with pytest.raises(Diverged, match="the run has no good checkpoint to roll back to: training diverged before"):
        train(listener=Remover(), options={"train.checkpoint_every": 10_000})


def test_a_damaged_checkpoint_is_passed_over():
    class Damager:
        def saved(self, event):
            if event.images == 32:
                event.path.write_bytes(b"damaged")

    with pytest.raises(Diverged, match=r"after 1 rollback \(train.rollbacks=1\)"):
        train(listener=Damager(), loss="toy-nan", options={"loss.after": 3, "train.rollbacks": 1})
    (rollback,) = load(ganzoo.find_run(0).checkpoints[0])[1]["rollbacks"]
    assert rollback["to"] == 0
    assert "000000032.ckpt is damaged" in read_log(ganzoo.find_run(0))


def test_without_being_asked_a_run_stops():
    with pytest.raises(Diverged, match=r"^training diverged before"):
        train(options={"train.on_nan": "stop"})
    assert not [row for row in ganzoo.find_run(0).rows() if "rollback/count" in row]


def test_scheduled_rates_are_lowered_too(make):
    gan, _ = make({"optim.d.lr": "linear(0.4, 0.2, images=100)", "train.on_nan": "rollback"})
    rolled = Rollbacks(Run(None), gan, None)
    rolled.load({"rollbacks": [{"from": 9, "to": 0}] * 2})
    optimizer: NetworkOptimizer = gan.optimizers["discriminator"]
    assert [optimizer.hyperparameters(images)["lr"] for images in (0, 50, 100)] == pytest.approx([0.1, 0.075, 0.05])
    rolled.load({})
    assert optimizer.hyperparameters(100)["lr"] == pytest.approx(0.2)


def test_a_run_of_imitated_graphs_rolls_back_to_its_first_weights(make, imitated_graphs, tmp_path):
    """The optimizers make their state anew in the steps before the next capture."""
    ends = []
    for name in ("eager", "cuda-graph"):
        gan, batches = make(ROLLBACK)
        gan.recipe = replace(gan.recipe, train=replace(gan.recipe.train, execution=name))
        execution.install(gan, pytest.fail)
        run = Run(tmp_path / name)
        (run.path / "checkpoints").mkdir(parents=True)
        tensors, numbers = gan.state()
        checkpoint.save(run.get_checkpoint_path(0), snapshot(tensors), {"images": 0, "numbers": numbers})

        def train_rounds(gan=gan, batches=batches) -> None:
            for images in range(0, 96, 16):
                update_discriminator(gan, batches, images)
                update_generator(gan, batches, images + 16, 0)

        train_rounds()
        rollbacks = Rollbacks(run, gan, Events())
        assert rollbacks.roll_back("it diverged", "it is", 96)["images"] == 0
        train_rounds()
        ends.append([tensor.detach().clone() for tensor in gan.parameters])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


# ----------------------------------------------------------------------------
# Finishing early.

EARLY = {"train.best": "script/value", "loss.limit": 1e9, "optim.d.lr": 0.01}


def finish(values: list[float], **options: object) -> Run:
    VALUES[:] = values
    return train(metric="script", images=160, options={**EARLY, **options})


def test_a_run_without_a_better_score_finishes_early(capsys):
    run = finish([5, 4, 4.5, 4.2, 1], **{"train.patience": 2})
    assert (run.images, run.finished) == (96, True)
    assert "finished early, because script/value did not become better than 4 in 2 measurements, after 96 images" in (
        read_log(run)
    )
    assert json.loads((run.best / "config.json").read_text())["images"] == 32
    assert run.checkpoints[-1].stem == f"{96:09d}"
    assert (run.package / "README.md").exists()
    assert "finished early, after 96 of 160 images" in repr(run)
    assert not VALUES[1:]
    with pytest.raises(UsageError, match=r"finished early, because script/value did not .* --init"):
        ganzoo.train(resume=run, images=1000)
    with pytest.raises(ganzoo.GanzooError, match="no unfinished run"):
        ganzoo.train(resume=True)


def test_a_run_that_became_much_worse_finishes_early_if_asked_to():
    assert finish([5, 4, 9, 9, 9, 9], **{"train.on_regression": "stop"}).images == 96
    assert finish([5, 4, 9, 9, 9, 9]).images == 160


def test_the_patience_counts_measurements_before_an_interruption(monkeypatch):
    update, calls = rounds.update_generator, []

    def interrupt(*args: object) -> object:
        calls.append(args)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return update(*args)

    monkeypatch.setattr(rounds, "update_generator", interrupt)
    with pytest.raises(ganzoo.GanzooError, match="stopped and saved"):
        finish([5, 4, 4.5, 4.2, 1, 1, 1], **{"train.patience": 2})
    assert ganzoo.train(resume=True, progress=False).images == 96


@pytest.mark.parametrize("key", ["train.patience=3", "train.on_regression=stop"])
def test_a_score_must_be_named(key):
    name, _, value = key.partition("=")
    with pytest.raises(UsageError, match=f"{key} judges the run by a score, and none is named: add train.best="):
        resolve(registry(), pairs={"arch": "toy", "dataset": "toy-array", name: value})
