"""Runs that die while they save, meet a full disk, or find half-written files or other checkpoints."""

from __future__ import annotations

import errno
import gc
import importlib
import json
import math
import os
import shutil
import sys
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.engine import checkpoint, rounds, setup, trainer
from ganzoo.engine.events import Note, Tick
from ganzoo.errors import Corrupt, GanzooError, UsageError
from ganzoo.plugin import DataInfo, Loss, Metric, NoOptions, files, hookimpl
from ganzoo.recipe.check_training import find_smaller_micro_batch
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import register, registry
from ganzoo.runs.run import Run, find_run

# ----------------------------------------------------------------------------
# A plugin whose components are controlled by the tests.

VALUES: list[float] = []  # the next values of the metric


class Scripted:
    """A metric that returns the next of `VALUES`."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def reset(self) -> None:
        pass

    def real(self, batch: object) -> None:
        pass

    def fake(self, batch: object) -> None:
        pass

    def compute(self) -> dict[str, float]:
        value = VALUES.pop(0)
        return {"value": value, "gain": value, "other": 0.0}


class Greedy:
    """A loss that asks for more memory than the machine has."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def discriminator(self, real: object, fake: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def generator(self, fake: object, real: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")


class GreedyLater(Greedy):
    """A loss that does so in the generator's update."""

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return (fake - real).mean()


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    better = {"value": "lower", "gain": "higher", "other": "neither", "lost": "lower"}
    yield Metric(name="script", summary="Returns the values of a test.", factory=f"{__name__}:Scripted", better=better)
    yield Metric(name="undeclared", summary="Does not say what is better.", factory=f"{__name__}:Scripted")


@hookimpl
def ganzoo_losses() -> Iterator[Loss]:
    yield Loss(name="greedy", summary="Out of memory.", factory=f"{__name__}:Greedy")
    yield Loss(name="greedy-later", summary="Out of memory.", factory=f"{__name__}:GreedyLater")
    yield Loss(name="coupled", summary="Couples.", factory=f"{__name__}:Greedy", batch_coupled=True)


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)
    register(sys.modules[__name__])
    VALUES.clear()


def train(**settings) -> Run:
    """Train a tiny run that saves after every second update."""
    options = {"train.checkpoint_every": 32, **settings.pop("options", {})}
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 128, "options": options, **settings})


def left_by(run: Run) -> dict[str, object]:
    """Return the parts of a run that are equal, bit for bit, in two runs that ended in the same way."""
    tensors, meta = checkpoint.load(run.checkpoints[-1])
    pictures = {path.name: path.read_bytes() for path in run.path.glob("*.png")}
    return {
        "images": run.images,
        "checkpoints": [path.name for path in run.checkpoints],
        "tensors": {name: tensor.numpy().tobytes() for name, tensor in tensors.items()},
        "numbers": meta["numbers"],
        "package": (run.package / "model.safetensors").read_bytes(),
        "metrics": ganzoo.load(run).config["metrics"],
        **pictures,
    }


# ----------------------------------------------------------------------------
# Saving.


@pytest.mark.parametrize("images", [0, 96, 128])
@pytest.mark.parametrize(
    "step",
    [
        "ganzoo.engine.metrics:RunMetrics.measure",
        "ganzoo.package.package:write",
        "ganzoo.engine.checkpoint:save",
    ],
)
def test_a_run_that_dies_while_it_saves_can_be_resumed_and_is_complete(monkeypatch, step, images):
    """A last checkpoint without its package would count as finished, and the package would never be written."""
    module, _, path = step.partition(":")
    *owner, name = path.split(".")
    holder = importlib.import_module(module)
    for part in owner:
        holder = getattr(holder, part)
    before, saves = getattr(holder, name), iter(range(0, 160, 32))

    def dying(*args):
        if next(saves) == images:
            raise SystemExit(9)
        return before(*args)

    whole = train(metric="toy-mean")
    with monkeypatch.context() as patched:
        patched.setattr(holder, name, dying)
        with pytest.raises(SystemExit):
            train(metric="toy-mean")
    run = find_run("1")
    assert not run.finished
    ganzoo.train(resume=run)
    assert left_by(run) == left_by(whole)


class Recorder:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, event: Note) -> None:
        self.lines.append(event.line)


def test_a_disk_that_is_full_from_any_write_on_fails_the_run_with_a_sentence_and_loses_nothing(monkeypatch):
    before, calls = files.DISK.write, []
    with monkeypatch.context() as patched:
        patched.setattr(files.DISK, "write", lambda *args: calls.append(before(*args)))
        whole = train(images=48)
    assert len(calls) > 15
    for writes in range(len(calls)):
        left = iter(range(writes))

        def full(file, data, left=left):
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            before(file, data)

        with monkeypatch.context() as patched:
            patched.setattr(files.DISK, "write", full)
            listener = Recorder()
            try:
                train(images=48, listener=listener)
                said = ""
            except GanzooError as error:
                said = str(error)
        run = Run(max(whole.path.parent.iterdir()))
        if not said:  # all is trained and saved, and the package has no card and no samples
            assert run.finished
            assert any("the disk is full" in line for line in listener.lines)
            if writes < len(calls) - 1:  # the last write is the one of the report
                assert sorted(path.name for path in run.package.iterdir()) == [
                    "config.json",
                    "discriminator.safetensors",
                    "model.safetensors",
                ]
            assert left_by(run) == left_by(whole)
            continue
        assert "the disk is full; free some space and try again" in said
        assert ("the last good checkpoint is" in said) == bool(run.checkpoints)
        assert [path.name for path in run.path.rglob(".*") if path.name != ".lock"] == []
        if run.recipe_file.exists():
            ganzoo.train(resume=run)
            assert left_by(run) == left_by(whole)


def test_half_written_files_of_a_killed_process_are_deleted():
    run = train()
    leftovers = [run.path / ".recipe.json.1.tmp", run.path / "checkpoints" / ".000000064.ckpt.12345.tmp"]
    for path in leftovers:
        path.write_bytes(b"half")
    ganzoo.train(resume=run, images=160)
    assert [path for path in leftovers if path.exists()] == []


# ----------------------------------------------------------------------------
# Restoring.


def test_a_checkpoint_of_other_networks_is_not_changed():
    """It is whole: the plugin that made it could still read it."""
    run, other = train(), train(options={"arch.width": 9})
    run.checkpoints[-1].write_bytes(other.checkpoints[-1].read_bytes())
    with pytest.raises(Corrupt, match=r"does not fit the recipe's networks: Error.* size mismatch") as error:
        ganzoo.train(resume=run, images=160)
    assert "\n" not in str(error.value)
    assert run.images == 128


def test_a_resumed_run_of_convolutions_equals_an_uninterrupted_one():
    """Their weights, gradients and optimizer states are stored channels-last."""
    whole, run = train(arch="toy-conv"), train(arch="toy-conv", images=48)
    ganzoo.train(resume=run, images=128)
    assert left_by(run)["tensors"] == left_by(whole)["tensors"]


# ----------------------------------------------------------------------------
# The best checkpoint.


def names(run: Run) -> list[int]:
    return [int(path.stem) for path in run.checkpoints]


def best_of(run: Run) -> tuple[int, float]:
    """Return images and value of the package ``best/``, which equals the checkpoint of that number."""
    generator, (entry, *_) = ganzoo.load(run.path / "best"), ganzoo.load(run.path / "best").config["metrics"]
    tensors, _ = checkpoint.load(run.get_checkpoint_path(generator.config["images"]))
    state = generator.network.state_dict()
    assert [name for name in state if not torch.equal(state[name], tensors[f"ema/{name}"])] == []
    return generator.config["images"], entry["value"]


@pytest.mark.parametrize(
    ("best", "values", "kept"),
    [
        ("script/value", [3, 1, 2, 1, 5, 6], (32, 1)),
        ("script/gain", [3, 1, 2, 1, 3, 2], (0, 3)),
        ("script/value", [5, 4, 3, 2, 1, 0], (160, 0)),
        ("script/gain", [-5, -4, -3, -3.5, -4, -9], (64, -3)),
        ("script/value", [math.nan, 4, math.nan, -math.inf, 5, math.nan], (32, 4)),
    ],
)
def test_the_best_checkpoint_is_kept_beside_the_last_ones(best, values, kept):
    VALUES[:] = values
    run = train(metric="script", images=160, options={"train.best": best})
    assert names(run) == sorted({kept[0], 128, 160})
    assert best_of(run) == kept


def test_a_run_means_its_best_checkpoint_and_a_regression_is_reported():
    VALUES[:] = [3, 1, 2, 1, 5, 6]
    run = train(metric="script", images=160, options={"train.best": "script/value"})
    lines: list[str] = []
    assert ganzoo.load(run, notify=lines.append).config["images"] == 32
    assert lines == [f"{run.path}: its best checkpoint by train.best is used; {run.package} names the last one"]
    assert ganzoo.load(run.package).config["images"] == 160
    words = "it was better before its end: script/value 6 (best was 1); best/ is the best checkpoint"
    assert words in (run.path / "log.txt").read_text()


def test_a_resumed_run_keeps_its_best_checkpoint():
    VALUES[:] = [9, 1, 2, 3]
    run = train(metric="script", images=96, options={"train.best": "script/value"})
    VALUES[:] = [4, 5]
    ganzoo.train(resume=run, images=160)
    assert names(run) == [32, 128, 160]
    assert best_of(run) == (32, 1)
    VALUES[:] = [0.5, 7, 8]
    ganzoo.train(resume=run, images=256)
    assert names(run) == [192, 224, 256]
    assert best_of(run) == (192, 0.5)


def test_the_best_of_many_measurements_is_kept_also_between_checkpoints(capsys):
    VALUES[:] = [9, 8, 3, 5, 4, 2.5, 6, 7, 7]  # at 0, 16, 32 ...; checkpoints at 0, 64 and 128
    options = {"train.best": "script/value", "train.metric_every": 16, "train.checkpoint_every": 64, "train.keep": 1}
    run = train(metric="script", images=96, options=options)
    assert best_of(run) == (80, 2.5)
    assert names(run) == [80, 96]
    rows = [row for row in run.rows() if "script/value" in row]
    assert [row["images"] for row in rows] == [0, 16, 32, 48, 64, 80, 96]
    assert ganzoo.load(run.package).config["metrics"][0]["value"] == 6
    log = (run.path / "log.txt").read_text()
    assert "script/value 2.5 (best so far, before 3), script/gain 2.5 (best is 9), script/other 0" in log
    VALUES[:] = [2.25, 7]
    ganzoo.train(resume=run, images=128)
    assert best_of(run) == (112, 2.25)
    assert (
        "script/value 2.25 (best so far, before 2.5), script/gain 2.25 (best is 9)"
        in (run.path / "log.txt").read_text()
    )


def test_a_checkpoint_lists_only_values_of_its_own_weights():
    VALUES[:] = [1.0] * 9
    run = train(metric="script", images=64, options={"train.metric_every": 48, "train.checkpoint_every": 32})
    assert [row["images"] for row in run.rows() if "script/value" in row] == [0, 48, 64]
    VALUES[:] = [1.0] * 9
    ganzoo.train(resume=run, images=80)
    (_, meta) = checkpoint.load(run.checkpoints[-1])
    assert meta["images"] == 80


def test_a_damaged_or_unwritten_checkpoint_is_not_the_best(monkeypatch):
    def refusing(file: Any, data: bytes) -> None:
        if "000000064.ckpt" in str(file.name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        before(file, data)

    before, values = files.DISK.write, [9, 3, 1, 4, 5, 6]
    VALUES[:] = values
    with monkeypatch.context() as patched:
        patched.setattr(files.DISK, "write", refusing)
        run = train(metric="script", images=160, options={"train.best": "script/value"})
    assert names(run) == [32, 128, 160]
    VALUES[:] = values
    whole = train(metric="script", images=160, options={"train.best": "script/value"})
    assert names(whole) == [64, 128, 160]


def test_a_name_in_train_best_that_no_metric_has_is_reported():
    for best, words in (
        (
            "toy-mean/difference",
            "metric 'toy-mean' is not measured: add --metric toy-mean, or name a value of script or undeclared",
        ),
        ("script", "is not of the form METRIC/KEY: write METRIC/KEY"),
        ("script/", "is not of the form METRIC/KEY: write METRIC/KEY"),
        ("-script/gain", r"so a sign is not allowed: write train\.best=script/gain"),
        (
            "script/other",
            r"lower or higher values of 'other' are better: choose script/value or script/gain or script/lost, or",
        ),
        ("undeclared/value", r"of 'value' are better: its author must declare Metric\(better=\{'value': \.\.\.\}\)"),
    ):
        with pytest.raises(UsageError, match=words):
            train(metric=["script", "undeclared"], options={"train.best": best})
    assert not Path("runs").exists()
    VALUES[:] = [1.0] * 9
    run = train(metric="script", options={"train.best": "script/lost"})
    log = (run.path / "log.txt").read_text()
    words = "train.best=script/lost: no best checkpoint is kept, choose one of script/value, script/gain, script/other"
    assert log.count(words) == 1
    assert not run.best.exists()


# ----------------------------------------------------------------------------
# Runs of earlier versions.

STORED = Path(__file__).parent / "stored"


@pytest.fixture
def old_run() -> Run:
    """Return a run of 64 images that the first version wrote."""
    run = Run(Path("runs/0000-stored"))
    (run.path / "checkpoints").mkdir(parents=True)
    shutil.copy(STORED / "format-1.json", run.recipe_file)
    shutil.copy(STORED / "format-1.ckpt", run.get_checkpoint_path(64))
    return run


def test_a_run_of_the_first_version_resumes_like_a_new_one(old_run):
    settings = {"arch.width": 4, "arch.norm": True, "train.precision": "fp32", "train.checkpoint_every": 50_000}
    whole = train(reg="toy-r1", aug="toy-noise", options=settings)
    _, meta = checkpoint.load(old_run.get_checkpoint_path(64))
    assert (meta["format"], meta["images"]) == (1, 64)
    ganzoo.train(resume=old_run, images=128)
    assert old_run.images == 128
    assert "going on from 64 images" in (old_run.path / "log.txt").read_text()
    (now, _), (wanted, _) = (checkpoint.load(run.get_checkpoint_path(128)) for run in (old_run, whole))
    assert now.keys() == wanted.keys()
    for name, tensor in wanted.items():
        # The bias before a BatchNorm has no gradient but rounding, which Adam blows up; the mean behind it follows.
        if not name.endswith(("/net.0.bias", "/net.1.running_mean")):
            torch.testing.assert_close(now[name], tensor, atol=1e-3, rtol=1e-3, msg=name)


def test_a_checkpoint_of_a_newer_version_is_reported_and_not_changed(old_run, monkeypatch):
    tensors, meta = checkpoint.load(old_run.get_checkpoint_path(64))
    checkpoint.save(old_run.get_checkpoint_path(64), tensors, {**meta, "format": checkpoint.FORMAT + 1})
    with pytest.raises(GanzooError, match="was written by a newer ganzoo: python -m pip install -U ganzoo"):
        ganzoo.train(resume=old_run, images=128)
    assert [path.name for path in old_run.path.glob("checkpoints/*")] == ["000000064.ckpt"]


# ----------------------------------------------------------------------------
# Running out of memory.


@pytest.mark.parametrize("loss", ["greedy", "greedy-later"])
@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"train.batch": 60}, 30),
        ({"train.batch": 60, "train.micro_batch": 30}, 15),
        ({"train.batch": 60, "train.micro_batch": 15}, 6),
        ({"train.batch": 7}, 1),
        ({"train.batch": 16, "train.g_batch": 64}, 32),
        ({"train.batch": 16, "train.g_batch": 24}, 8),
        ({"train.batch": 16, "train.micro_batch": 64}, 8),
    ],
)
def test_running_out_of_memory_suggests_a_smaller_micro_batch_that_works(loss, settings, size):
    with pytest.raises(GanzooError, match="memory ran out") as error:
        train(loss=loss, images=100, options=settings)
    run = find_run("0")
    assert str(error.value) == (
        f"cpu memory ran out: start anew with ganzoo train --config {run.path} train.micro_batch={size}, which "
        "accumulates the gradients of the same batch, or with a smaller --batch, --size or width; "
        f"the last good checkpoint is {run.checkpoints[-1]}"
    )
    resolve(registry(), config=run.path, pairs={"train.micro_batch": size})


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "greedy", "train.micro_batch": 1},
        {"loss": "coupled"},
        {"loss": "greedy", "train.update": "shared"},
        {"loss": "greedy", "train.update": "simultaneous"},
    ],
)
def test_running_out_of_memory_suggests_no_micro_batch_where_none_is_possible(settings):
    options = dict(settings)
    with pytest.raises(GanzooError, match="memory ran out") as error:
        train(loss=options.pop("loss"), options=options)
    run = find_run("0")
    assert (
        f"start anew with ganzoo train --config {run.path} train.checkpoint_activations=true, which computes "
        "activations again instead of keeping them, or with a smaller --batch, --size"
    ) in str(error.value)
    assert "micro_batch" not in str(error.value)
    recipe = resolve(registry(), config=run.path, pairs={"train.checkpoint_activations": True})
    assert recipe.train.checkpoint_activations


def test_running_out_of_memory_suggests_a_smaller_batch_where_nothing_else_is_left():
    settings = {"train.micro_batch": 1, "train.checkpoint_activations": True}
    with pytest.raises(GanzooError, match=r"ganzoo train --config \S+ and a smaller --batch, --size or width"):
        train(loss="greedy", options=settings)


def test_every_suggested_micro_batch_is_accepted():
    for batch in range(1, 33):
        for g_batch in (None, 5, 48):
            pairs = {"arch": "toy", "loss": "toy-bce", "dataset": "toy-array", "train.batch": batch}
            recipe = resolve(registry(), pairs={**pairs, "train.g_batch": g_batch})
            present, seen = max(batch, g_batch or 0), []
            while (size := find_smaller_micro_batch(recipe, present)) is not None:
                assert size <= present / 2
                assert resolve(registry(), pairs={**pairs, "train.g_batch": g_batch, "train.micro_batch": size})
                seen.append(present := size)
            assert not seen or seen[-1] == 1


# ----------------------------------------------------------------------------
# A log that cannot be written.


class Swapping:
    """Replaces the log and the statistics by other files between two ticks, and keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, event: Note) -> None:
        self.lines.append(event.line)

    def tick(self, event: Tick) -> None:
        paths = [find_run("0").path / name for name in ("log.txt", "stats.jsonl")]
        for path in paths:
            aside = path.with_suffix(".aside")
            if event.images in (32, 96):
                path.rename(aside)
                path.symlink_to("/dev/full")
            if event.images in (64, 112):
                path.unlink()
                aside.rename(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_log_and_statistics_that_the_disk_refuses_are_reported_once_until_they_work_again():
    listener = Swapping()
    run = train(listener=listener, options={"train.grid_every": 16})  # and so a tick after each update
    assert not run.stats_file.is_symlink()
    lines = [line for line in listener.lines if line.startswith("cannot write")]
    assert all(line.endswith("the disk is full; free some space and try again; going on without") for line in lines)
    assert sorted(Path(line.split(": ")[0]).name for line in lines) == ["log.txt"] * 2 + ["stats.jsonl"] * 2
    images = [json.loads(line)["images"] for line in run.stats_file.read_text().splitlines()]
    assert images == [0, 16, 32, 80, 96, 128]
    assert run.finished


@pytest.mark.parametrize("settings", [{}, {"train.execution": "cuda-graph"}, {"loss": "toy-nan"}], ids=str)
def test_the_memory_of_a_run_is_free_when_it_ends(toys, imitated_graphs, monkeypatch, settings):
    """Without the garbage collector, which may come too late for the next run in the process."""
    built, assemble = [], trainer.assemble

    def assemble_noted(*args):
        gan = assemble(*args)
        built.extend([weakref.ref(gan), *map(weakref.ref, gan.parameters)])
        return gan

    monkeypatch.setattr(trainer, "assemble", assemble_noted)
    monkeypatch.setattr(setup, "check_execution", lambda *_: None)
    gc.collect()
    gc.disable()
    try:
        with suppress(GanzooError):
            ganzoo.train(arch="toy", dataset="toy-array", batch=8, images=64, options=settings, progress=False)
        assert len(built) > 5
        assert [one for one in built if one() is not None] == []
        assert len(imitated_graphs.graphs) == 0
    finally:
        gc.enable()


def test_a_deterministic_run_uses_cudnns_deterministic_algorithms(toys, monkeypatch):
    seen, cudnn, update = [], torch.backends.cudnn, rounds.update_discriminator

    def note(*args):
        seen.append((cudnn.deterministic, cudnn.benchmark))
        return update(*args)

    monkeypatch.setattr(rounds, "update_discriminator", note)
    monkeypatch.setattr(cudnn, "benchmark", True)
    options = {"train.deterministic": True}
    ganzoo.train(arch="toy", dataset="toy-array", batch=8, images=8, options=options, progress=False)
    assert seen == [(True, False)]
    assert (cudnn.deterministic, cudnn.benchmark) == (False, True)
