"""Runs that are killed, interrupted, damaged or diverged lose nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

import ganzoo
from crashing import Dying, run_until_killed
from forks import Fork, start_python
from ganzoo.engine import checkpoint
from ganzoo.errors import Conflict, Corrupt, Interrupted, NotFound, UsageError
from ganzoo.health.signals import Diverged
from ganzoo.runs.run import Run, find_run

TESTS = Path(__file__).parents[1]
CHILD = """
import json, sys
import torch
torch.set_num_threads(1)
import ganzoo, toys
from ganzoo.engine import execution
ganzoo.register(toys)
execution.compile_graph = lambda graph, inputs: graph  # the recording itself: compiling takes 20 s at every start

class Listener:
    def note(self, event): print(event.line, flush=True)

settings = json.loads(sys.argv[1])
try:
    ganzoo.train(listener=Listener(), **settings)
except ganzoo.GanzooError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""
# Everything that draws or has state: dropout, BatchNorm, an adapting augmentation, a counting regularizer, schedules.
EVERYTHING = {
    "arch": "toy", "dataset": "toy-array", "loss": "toy-pairs", "reg": "toy-r1", "aug": "toy-noise",
    "conditional": True,
    "options": {
        "arch.norm": True, "reg.toy-r1.gamma": "cosine(1, 0.1, images=20000)",
        "optim.d.lr": "linear(1e-2, 1e-3, images=30000)",
        "train.d_reg_interval": 3, "train.d_steps": 2, "train.micro_batch": 8, "train.checkpoint_every": 800,
        "train.grid_every": 10_000,
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)


def train(**settings) -> Run:
    """Train a tiny run in this process, by default for a few updates."""
    settings = {"arch": "toy", "dataset": "toy-array", "images": 128, **settings}
    settings["options"] = {"train.checkpoint_every": 32, **settings.get("options", {})}
    return ganzoo.train(**settings)


def find_named(name: str) -> Run:
    """Return the run of a name, whatever its number."""
    (path,) = Path("runs").glob(f"*-{name}")
    return Run(path)


def compare_runs(left: Run, right: Run) -> int:
    """Assert that two runs ended the same, bit for bit; return the number of compared bytes."""
    assert left.images == right.images
    (one, meta), (two, other) = (checkpoint.load(run.checkpoints[-1]) for run in (left, right))
    assert one.keys() == two.keys()
    assert [name for name in one if one[name].numpy().tobytes() != two[name].numpy().tobytes()] == []
    assert meta["numbers"] == other["numbers"]
    count = sum(tensor.nbytes for tensor in one.values())
    pictures = [path.name for path in (left.get_grid_path(left.images),) if path.exists()]
    for name in ("package/model.safetensors", *pictures):
        assert (left.path / name).read_bytes() == (right.path / name).read_bytes()
        count += (left.path / name).stat().st_size
    return count


# ----------------------------------------------------------------------------
# Kill.


@pytest.mark.slow
@pytest.mark.parametrize(("execution", "most", "images"), [("eager", 2, 8_000), ("compile", 1, 4_000)])
def test_a_run_that_is_killed_at_random_moments_equals_one_that_was_not(capsys, execution, most, images):
    """Each trace takes some seconds: a recorded run is killed once, after its first checkpoint."""
    seed = random.randrange(10**6)
    moments, kills = random.Random(seed), 0
    settings = {**EVERYTHING, "images": images, "options": {**EVERYTHING["options"], "train.execution": execution}}
    with ExitStack() as children:

        def start(**settings) -> Fork:
            command = ("-c", CHILD, json.dumps(settings))
            return children.enter_context(start_python(*command, folder=Path.cwd(), path=[TESTS]))

        whole, torn = start(**settings, name="whole"), start(**settings, name="torn")
        while kills < most:
            torn.wait_for_lines()  # the run has started, or loaded its checkpoint
            while execution == "compile" and torn.process.is_alive() and find_named("torn").images == 0:
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.5 if execution == "eager" else 0.1))
            torn.process.kill()
            if torn.finish().returncode == 0:
                break
            kills += 1
            torn = start(resume=str(find_named("torn").path))
        done = torn.finish()
        assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
        assert whole.finish().returncode == 0
    assert "going on with eager" not in (find_named("torn").path / "log.txt").read_text()
    count = compare_runs(find_named("whole"), find_named("torn"))
    with capsys.disabled():
        print(f"\n[seed {seed}: {kills} kills at random moments, {count:,} bytes equal]")
    assert kills >= most // 2 + 1, f"seed {seed}: the run was too short for kills"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_crash_at_any_moment_of_a_checkpoint_loses_nothing(capsys):
    """A crash comes before each sync and rename while a checkpoint is written, and after some of its bytes.

    The last good checkpoint must remain. One in eight of the runs is resumed, and must equal the uninterrupted one.
    Crashes after every byte are tested in test_checkpoint.py.
    """
    smallest = {"arch.width": 1, "arch.z_dim": 1, "optim.g.name": "sgd", "optim.d.name": "sgd"}
    every = {"train.checkpoint_every": 16, "train.grid_every": 10**6}
    settings = {"dataset": "toy-points", "batch": 16, "images": 16, "options": smallest | every}
    start, whole = train(**settings, name="start"), train(**{**settings, "images": 32}, name="whole")
    tensors, meta = checkpoint.load(whole.get_checkpoint_path(32))
    size = whole.get_checkpoint_path(32).stat().st_size
    moments = [Dying(after_bytes=count) for count in range(0, size + 1, 7)]
    moments += [Dying(before_operation=count) for count in range(3)]  # the sync, the rename, the directory's sync
    torn = Run(Path("runs/0002-torn"))
    for number, disk in enumerate(moments, 1):
        shutil.copytree(start.path, torn.path)
        assert run_until_killed(disk, lambda: checkpoint.save(torn.get_checkpoint_path(32), tensors, meta)), number
        assert torn.images == (32 if number == len(moments) else 16), number
        checkpoint.load(torn.checkpoints[-1])
        if torn.images == 16 and number % 8 == 1:
            ganzoo.train(resume=torn, images=32)
            compare_runs(whole, torn)
        shutil.rmtree(torn.path)
    with capsys.disabled():
        print(f"\n[{len(moments)} crashes while a checkpoint of {size:,} bytes was written]")


# ----------------------------------------------------------------------------
# Signals.


def test_an_interrupted_run_equals_one_that_was_not(monkeypatch):
    """A signal takes effect between two updates; it is sent after each of the first seven rounds."""
    whole = train(name="whole")
    for rounds in range(1, 8):
        interrupting = Interrupting(rounds)
        with monkeypatch.context() as patched:
            patched.setattr("ganzoo.engine.rounds.update_generator", interrupting)
            with pytest.raises(Interrupted, match=f"stopped and saved at {16 * rounds} images"):
                train(name="torn")
        run = find_run(str(rounds))
        assert run.images == 16 * rounds
        assert ganzoo.train(resume=run).path == run.path
        compare_runs(whole, run)


class Interrupting:
    """G's update, which sends SIGINT to this process in the n-th call."""

    def __init__(self, after: int) -> None:
        from ganzoo.engine.update import update_generator

        self.update, self.left = update_generator, after

    def __call__(self, *args):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return self.update(*args)


def test_a_second_signal_does_not_wait_and_keeps_the_last_checkpoint(monkeypatch):
    def twice(*args):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("ganzoo.engine.rounds.update_generator", twice)
    with pytest.raises(KeyboardInterrupt):
        train()
    assert find_run("0").images == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# ----------------------------------------------------------------------------
# Settings that a resumed run may change.


def test_a_finished_run_can_be_made_longer_and_equals_a_longer_one():
    run = train(images=64, name="grown")
    with pytest.raises(UsageError, match=r"is finished .64 images.: add --images N"):
        ganzoo.train(resume=run)
    with pytest.raises(UsageError, match="can only be raised"):
        ganzoo.train(resume=run, images=32)
    with pytest.raises(UsageError, match=r"train.seed: a resumed run keeps its settings"):
        ganzoo.train(resume=run, seed=1)
    with pytest.raises(UsageError, match="remove --recipe, --config and --name"):
        ganzoo.train(resume=run, name="other")
    origins = run.recipe()["origins"]
    ganzoo.train(resume=run, options={"train.images": 128})
    compare_runs(train(images=128, name="whole"), run)
    assert run.recipe()["train"]["images"] == 128
    assert origins["arch"] == "flag"
    assert run.recipe()["origins"] == origins | {"train.images": "KEY=VALUE"}


def test_moved_data_can_be_named_on_resume(tmp_path):
    (tmp_path / "here").mkdir()
    for number in range(4):
        Image.new("L", (8, 8), 60 * number).save(tmp_path / "here" / f"{number}.png")
    settings = {"size": 8, "options": {"dataset.channels": 1, "train.checkpoint_every": 32}}
    run = train(dataset=tmp_path / "here", images=32, name="moved", **settings)
    whole = train(dataset=tmp_path / "here", images=64, name="whole", **settings)
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(NotFound, match=r"dataset.path: .*here. does not exist or may not be read: add --dataset PATH"):
        ganzoo.train(resume=run, images=64)
    with pytest.raises(UsageError, match=r"dataset: a resumed run keeps its settings.*--dataset PATH"):
        ganzoo.train(resume=run, images=64, dataset="toy-array")
    ganzoo.train(resume=run, images=64, dataset=tmp_path / "there")
    compare_runs(whole, run)
    assert run.recipe()["dataset"]["options"]["path"] == str(tmp_path / "there")


def make_pictures(folder: Path, shades: list[int]) -> Path:
    folder.mkdir()
    for number, shade in enumerate(shades):
        Image.new("L", (8, 8), shade).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize(
    ("shades", "words"),
    [
        ([0, 60, 120], "there were 4 samples and there are 3"),
        ([0, 60, 20, 180], "of 4 compared samples 1 are not the same"),
    ],
)
def test_a_new_path_with_other_data_is_refused_with_what_differs(tmp_path, shades, words):
    here, there = make_pictures(tmp_path / "here", [0, 60, 120, 180]), make_pictures(tmp_path / "there", shades)
    (there / "broken.png").touch()
    run = train(dataset=here, images=32, size=8, options={"dataset.channels": 1})
    lines: list[str] = []
    with pytest.raises(UsageError) as refused:
        ganzoo.train(
            resume=run, images=64, dataset=there, listener=SimpleNamespace(note=lambda e: lines.append(e.line))
        )
    assert str(refused.value) == (
        f"--dataset {there} does not have the data that {run.path} was trained on ({words}): name the path that has "
        f"them, or start a new run from its weights with --init {run.path} --dataset {there}"
    )
    (skipped,) = lines
    assert skipped.endswith("files that could not be read: broken.png (not an image that Pillow can read)")
    assert run.recipe()["dataset"]["options"]["path"] == str(here)
    log = (ganzoo.train(init=run.path, dataset=there, images=32).path / "log.txt").read_text()
    assert "after 32 images, and its discriminator\n" in log  # as the message advises


def test_data_that_change_where_they_are_cost_a_line(tmp_path):
    here = make_pictures(tmp_path / "here", [0, 60, 120, 180])
    run = train(dataset=here, images=32, size=8, options={"dataset.channels": 1})
    Image.new("L", (8, 8), 20).save(here / "2.png")
    ganzoo.train(resume=run, images=64)
    assert "the dataset changed: of 4 compared samples 1 are not the same\n" in (run.path / "log.txt").read_text()


def test_pictures_that_are_almost_the_same_are_accepted_with_a_line(tmp_path):
    """As another version of a decoder may give them."""
    here, near = make_pictures(tmp_path / "here", [0, 60, 120]), make_pictures(tmp_path / "near", [0, 60, 121])
    run = train(dataset=here, images=32, size=8, options={"dataset.channels": 1})
    line = "the data are not the same bit for bit as before, but all compared samples look the same\n"
    ganzoo.train(resume=run, images=64)
    assert line not in (run.path / "log.txt").read_text()
    ganzoo.train(resume=run, images=96, dataset=near)
    assert line in (run.path / "log.txt").read_text()


def test_the_run_lists_the_files_that_could_not_be_read(tmp_path):
    here = make_pictures(tmp_path / "here", [0, 60, 120, 180])
    for number in range(5):
        (here / f"broken\n{number}.png").touch()
    run = train(dataset=here, images=32, size=8, options={"dataset.channels": 1})
    listed = (run.path / "skipped.txt").read_text().splitlines()
    assert listed == [f"broken {number}.png: not an image that Pillow can read" for number in range(5)]
    assert (
        "skipped 5 of 9 files that could not be read: broken 0.png and 4 more (not an image that Pillow can read); "
        f"{run.path}/skipped.txt lists them all\n"
    ) in (run.path / "log.txt").read_text()
    for path in here.glob("broken*"):
        path.unlink()
    ganzoo.train(resume=run, images=64)
    assert not (run.path / "skipped.txt").exists()


def test_a_run_of_another_machine_continues_with_an_execution_that_is_possible_here():
    run, whole = train(images=32, name="moved"), train(images=64, name="whole")
    recipe = run.recipe()
    recipe["train"]["execution"] = "cuda-graph"  # what `auto` means where there is a GPU
    run.write_recipe(recipe)
    lines: list[str] = []
    listener = SimpleNamespace(note=lambda event: lines.append(event.line))
    ganzoo.train(resume=run, images=64, device="cpu", listener=listener)
    compare_runs(whole, run)
    assert "train.execution=cuda-graph is not possible on cpu here: the run continues with eager" in lines
    assert run.recipe()["train"]["execution"] == "eager"
    with pytest.raises(UsageError, match="cuda-graph needs a CUDA device"):
        train(options={"train.execution": "cuda-graph"}, device="cpu")


def test_the_latest_unfinished_run_is_found():
    with pytest.raises(NotFound, match="no unfinished run"):
        ganzoo.train(resume=True)
    first, _ = train(images=64), train(images=64)
    recipe = first.recipe()
    recipe["train"]["images"] = 96
    first.write_recipe(recipe)
    assert ganzoo.train(resume=True).path == first.path
    assert first.images == 96


def test_a_run_that_died_before_its_first_checkpoint_starts_from_the_beginning():
    run = train()
    for path in run.checkpoints:
        path.unlink()
    ganzoo.train(resume=run)
    assert "starting from the beginning" in (run.path / "log.txt").read_text()
    compare_runs(train(), run)


def test_statistics_after_the_checkpoint_are_removed():
    run = train(options={"train.checkpoint_every": 64})
    rows = [json.loads(line) for line in run.stats_file.read_text().splitlines()]
    assert rows[-1]["images"] == 128
    run.checkpoints[-1].unlink()
    with run.stats_file.open("a") as file:
        file.write('{"images": 1')  # a line that a crash truncated
    ganzoo.train(resume=run)
    again = [json.loads(line) for line in run.stats_file.read_text().splitlines()]
    images = [row["images"] for row in again]
    assert images == sorted(set(images))
    assert again[-1]["images"] == 128
    assert [row for row in again if row["images"] <= 64] == [row for row in rows if row["images"] <= 64]


def test_only_the_newest_checkpoints_are_kept():
    assert [path.name for path in train(options={"train.keep": 3}).checkpoints] == [
        "000000064.ckpt", "000000096.ckpt", "000000128.ckpt",
    ]  # fmt: skip


# ----------------------------------------------------------------------------
# Damage.


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_loaded():
    run, whole = train(name="torn"), train(name="whole")
    damage(run.checkpoints[-1])
    ganzoo.train(resume=run, images=160)
    ganzoo.train(resume=whole, images=160)
    compare_runs(whole, run)
    log = (run.path / "log.txt").read_text()
    assert "000000128.ckpt is damaged" in log
    assert "set aside as 000000128.ckpt.damaged" in log
    assert "going on from 96 images" in log


def test_a_run_without_an_undamaged_checkpoint_says_so():
    run = train()
    for path in run.checkpoints:
        damage(path)
    with pytest.raises(Corrupt, match=r"no checkpoint of .* is whole: start anew with ganzoo train --config"):
        ganzoo.train(resume=run, images=160)


def test_two_processes_do_not_train_one_run():
    run = train()
    assert not run.active
    with run.training():
        assert run.active
        with pytest.raises(Conflict, match="is being trained by another process"):
            ganzoo.train(resume=run, images=160)


# ----------------------------------------------------------------------------
# Numbers that are not finite.


@pytest.mark.parametrize("after", [1, 3, 4, 5])
def test_nan_stops_the_run_and_no_checkpoint_is_written_after_it(after):
    with pytest.raises(Diverged, match=r"the discriminator's loss is nan; try smaller .*; the last good checkpoint is"):
        train(loss="toy-nan", options={"loss.after": after})
    run = find_run("0")
    assert run.images == after * 16 // 32 * 32
    tensors, _ = checkpoint.load(run.checkpoints[-1])
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert run.rows()[-1].get("diverged") == 1
    assert (
        "this run will not recover: a number of the run is not a finite number; try"
        in (run.path / "log.txt").read_text()
    )
    assert ganzoo.load(run).sample(1).shape == (1, 4, 4, 1)


def test_a_weight_that_is_not_finite_never_reaches_a_checkpoint(monkeypatch):
    from ganzoo.engine.update import update_generator

    def update_with_nan(gan, batches, images, step):
        stats = update_generator(gan, batches, images, step)
        if images == 96:
            with torch.no_grad():
                next(gan.generator.parameters()).view(-1)[0] = float("inf")
        return stats

    monkeypatch.setattr("ganzoo.engine.rounds.update_generator", update_with_nan)
    with pytest.raises(Diverged, match="a weight of the generator is not finite"):
        train()
    assert find_run("0").images == 64


# ----------------------------------------------------------------------------
# Trackers and metrics.


def test_trackers_and_metrics_are_called_and_a_failing_one_costs_a_line(toys):
    run = train(tracker=["toy-tracker", "toy-broken"], metric=["toy-mean", "toy-broken"])
    kinds = [event[0] for event in toys.EVENTS]
    assert kinds[0] == "start"
    assert toys.EVENTS[-1] == ("finish", "finished")
    assert ("grid", 128, run.get_grid_path(128).name) in toys.EVENTS
    assert any("toy-mean/difference" in event[2] for event in toys.EVENTS if event[0] == "log")
    log = (run.path / "log.txt").read_text()
    assert log.count("tracker 'toy-broken' failed and is left out from here on: RuntimeError: out of order") == 1
    assert "metric 'toy-broken' failed: RuntimeError: out of order" in log
    config = json.loads((run.package / "config.json").read_text())
    assert [entry["name"] for entry in config["metrics"]] == ["toy-mean/difference"]


def test_a_tracker_is_called_at_failure_and_interruption(toys, monkeypatch):
    with pytest.raises(Diverged):
        train(loss="toy-nan", tracker="toy-tracker")
    assert toys.EVENTS[-1] == ("finish", "failed")
    monkeypatch.setattr("ganzoo.engine.rounds.update_generator", Interrupting(2))
    with pytest.raises(Interrupted):
        train(tracker="toy-tracker")
    assert toys.EVENTS[-1] == ("finish", "interrupted")
