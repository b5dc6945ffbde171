"""The thread that writes files: its data does not change, and its failures cost no more than a line where possible."""

from __future__ import annotations

import errno
import gc
import itertools
import os
import shutil
import signal
import threading
import time
import weakref
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

import ganzoo
from crashing import Dying, in_child, run_until_killed
from ganzoo.engine import checkpoint
from ganzoo.engine.events import Note, Tick
from ganzoo.engine.writer import Writer
from ganzoo.errors import GanzooError
from ganzoo.plugin import files
from ganzoo.runs.run import Run, find_run


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)


# ----------------------------------------------------------------------------
# The thread alone.


def test_a_job_runs_beside_its_caller_and_the_next_waits_for_it():
    go, done = threading.Event(), []
    with Writer() as writer:
        writer.submit(lambda: done.append(go.wait(10)))
        assert not writer.ready
        threading.Timer(0.1, go.set).start()
        writer.submit(lambda: done.append("second"))
        assert done[0] is True
        writer.wait()
        assert done == [True, "second"]
        assert not writer.ready
        writer.wait()


def test_an_error_of_a_job_is_raised_once_and_the_context_waits():
    done = []
    with Writer() as writer:
        writer.submit(lambda: 1 // 0)
        while not writer.ready:
            time.sleep(0.001)
        with pytest.raises(ZeroDivisionError):
            writer.wait()
        writer.wait()
        writer.submit(lambda: (time.sleep(0.1), done.append("whole")))
    assert done == ["whole"]


def test_the_data_of_a_failed_job_is_released():
    class Snapshot:
        pass

    def submit(writer: Writer) -> Any:
        snapshot = Snapshot()

        def job(held: Snapshot = snapshot) -> None:
            raise GanzooError("no")

        writer.submit(job)
        return weakref.ref(snapshot)

    gc.disable()
    try:
        with Writer() as writer:
            held = submit(writer)
            with pytest.raises(GanzooError):
                writer.wait()
            writer.submit(lambda: None)
            writer.wait()
            assert held() is None
    finally:
        gc.enable()


# ----------------------------------------------------------------------------
# In a run.


class Listener:
    """A listener that keeps the lines, and calls a function at each tick."""

    def __init__(self, at_tick: Any = lambda images: None) -> None:
        self.lines: list[str] = []
        self.at_tick = at_tick

    def note(self, event: Note) -> None:
        self.lines.append(event.line)

    def tick(self, event: Tick) -> None:
        self.at_tick(event.images)


def train(**settings) -> Run:
    """Train a tiny run that saves after every second update and ticks after each."""
    options = {"train.checkpoint_every": 32, "train.grid_every": 16, **settings.pop("options", {})}
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 128, "options": options, **settings})


def tensors_of(path: Path) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in checkpoint.load(path)[0].items()}


class Slow(files.Disk):
    """A disk that writes the bytes of one file only after `go` is set."""

    def __init__(self, name: str) -> None:
        self.name, self.go, self.met = name, threading.Event(), False

    def write(self, file: BinaryIO, data: bytes | memoryview) -> None:
        if self.name in str(file.name):
            self.met = True
            assert self.go.wait(30), "training waited for the writing"
        super().write(file, data)


@pytest.mark.parametrize("name", ["000000032.ckpt", "model.safetensors"])
def test_training_goes_on_while_a_checkpoint_is_written_and_does_not_change_it(monkeypatch, name):
    whole, images = train(images=32), []
    slow = Slow("nothing")

    def at_tick(seen: int) -> None:
        images.append(seen)
        if seen == 32:  # just before the checkpoint
            slow.name = name
        if seen == 48:  # an update after it
            slow.go.set()

    monkeypatch.setattr(files, "DISK", slow)
    run = train(images=64, options={"train.keep": 9}, listener=Listener(at_tick))
    assert slow.met
    assert images == [16, 32, 48, 64]
    assert tensors_of(run.get_checkpoint_path(32)) == tensors_of(whole.get_checkpoint_path(32))


@pytest.mark.parametrize("what", ["write", "sync", "rename"])
def test_a_disk_that_is_full_for_some_time_costs_lines_and_the_checkpoints_of_that_time(monkeypatch, what):
    whole, before, listener = train(), getattr(files.DISK, what), Listener()
    refused = ("000000064.ckpt", "000000096.ckpt", "fakes-000000064.png", "fakes-000000080.png", "fakes-000000096.png")

    def refuse(first: Any, *args: Any) -> None:
        if any(name in str(getattr(first, "name", first)) for name in refused):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        before(first, *args)

    with monkeypatch.context() as patched:
        patched.setattr(files.DISK, what, refuse)
        run = train(listener=listener)
    failures = [line for line in listener.lines if line.startswith("could not write the checkpoint")]
    assert [line.split(":")[0] for line in failures] == [
        "could not write the checkpoint at 64 images",
        "could not write the checkpoint at 96 images",
    ]
    for line in failures:
        assert "the disk is full; free some space and try again; the last good one is" in line
        assert line.endswith("/checkpoints/000000032.ckpt; trying again at the next")
        assert line in (run.path / "log.txt").read_text()
    pictures = [line for line in listener.lines if "fakes-" in line]
    assert len(pictures) == 1
    assert "fakes-000000064.png" in pictures[0]
    assert pictures[0].endswith("the disk is full; free some space and try again; going on without")
    assert [path.name for path in run.checkpoints] == ["000000032.ckpt", "000000128.ckpt"]
    assert tensors_of(run.checkpoints[-1]) == tensors_of(whole.checkpoints[-1])
    assert [path.name for path in run.path.rglob(".*") if path.name != ".lock"] == []


def test_a_last_checkpoint_that_cannot_be_written_is_an_error_at_the_end_and_at_an_interruption(monkeypatch):
    before = files.DISK.write

    def refuse(file: BinaryIO, data: bytes) -> None:
        if "000000064.ckpt" in str(file.name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        before(file, data)

    def stop(images: int) -> None:
        if images == 48:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(files.DISK, "write", refuse)
    words = r"cannot write .*000000064.ckpt: the disk is full; .*; the last good checkpoint is .*000000032.ckpt"
    for number, settings in enumerate(({"images": 64}, {"images": 128, "listener": Listener(stop)})):
        with pytest.raises(GanzooError, match=words) as error:
            train(**settings)
        assert error.value.exit_code == 1
        assert find_run(str(number)).images == 32


def test_a_checkpoint_that_was_not_written_is_reported_also_after_another_failure(monkeypatch):
    before, listener = files.DISK.write, Listener()

    def refuse(file: BinaryIO, data: bytes) -> None:
        if "000000032.ckpt" in str(file.name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        before(file, data)

    monkeypatch.setattr(files.DISK, "write", refuse)
    with pytest.raises(GanzooError, match=r"loss is nan.*the last good checkpoint is .*000000000.ckpt"):
        train(loss="toy-nan", options={"loss.after": 2}, listener=listener)
    assert [line for line in listener.lines if line.startswith("could not write the checkpoint at 32 images")]


def test_a_second_interrupt_does_not_damage_the_last_checkpoint(monkeypatch):
    whole, before, main = train(images=64), files.DISK.write, threading.main_thread()
    seen = []

    def write(file: BinaryIO, data: bytes) -> None:
        if "000000064.ckpt" in str(file.name) and not seen:
            seen.append(threading.current_thread() is main)
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)
        before(file, data)

    monkeypatch.setattr(files.DISK, "write", write)
    with pytest.raises(KeyboardInterrupt):
        train(images=64)
    run = find_run("1")
    assert seen == [False]
    assert not run.active
    assert tensors_of(run.get_checkpoint_path(64)) == tensors_of(whole.get_checkpoint_path(64))
    assert [path.name for path in run.path.rglob(".*") if path.name != ".lock"] == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ganzoo-writer")]


# ----------------------------------------------------------------------------
# Crashes of a whole process while its thread writes.


class Counting(files.Disk):
    """A disk that counts bytes."""

    total = 0

    def write(self, file: BinaryIO, data: bytes | memoryview) -> None:
        self.total += len(data)
        super().write(file, data)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_run_that_dies_at_any_moment_of_its_writing_equals_one_that_did_not(monkeypatch, capsys):
    """A crash comes before every sync and rename of the run, and after some of its bytes, most of them in the thread.

    Crashes after every byte of one file are tested in test_checkpoint.py.
    """
    options = {
        "arch.width": 1, "arch.z_dim": 1, "arch.norm": True, "train.keep": 1, "train.checkpoint_every": 16,
        "train.grid_every": 10**6, "train.best": "toy-mean/difference",
    }  # fmt: skip
    settings = {"dataset": "toy-points", "batch": 16, "metric": "toy-mean", "options": options}
    start, whole = train(**settings, images=16, name="start"), train(**settings, images=32, name="whole")
    torn, wanted = Run(Path("runs/0002-torn")), left_by(whole)
    assert wanted["best"]["images"] == 32

    def after_crash(disk: files.Disk) -> bool:
        shutil.copytree(start.path, torn.path)
        dead = run_until_killed(disk, lambda: ganzoo.train(resume=torn, images=32))
        if dead and torn.images < 32:
            assert torn.images == 16
            ganzoo.train(resume=torn, images=32)
        assert left_by(torn) == wanted
        shutil.rmtree(torn.path)
        return dead

    shutil.copytree(start.path, torn.path)
    counting = Counting()
    with monkeypatch.context() as patched:
        patched.setattr(files, "DISK", counting)
        ganzoo.train(resume=torn, images=32)
    shutil.rmtree(torn.path)
    operations = next(n for n in itertools.count() if not after_crash(Dying(before_operation=n)))
    moments = range(0, counting.total + 1, 5003)  # a prime: at all places of what is aligned
    assert all(after_crash(Dying(after_bytes=count)) for count in moments)
    assert operations >= 25  # recipe, statistics, picture, two packages of two files, a checkpoint
    with capsys.disabled():
        print(f"\n[{operations} + {len(moments)} crashes while {counting.total:,} bytes were written]")


def left_by(run: Run) -> dict[str, Any]:
    """Return the parts of a run that are equal, bit for bit, in two runs that ended in the same way."""
    _, meta = checkpoint.load(run.checkpoints[-1])
    run.recover()  # as every reader of its packages does
    models = {f"{name}/": (run.path / name / "model.safetensors").read_bytes() for name in ("package", "best")}
    return {
        "images": run.images,
        "tensors": tensors_of(run.checkpoints[-1]),
        "best": meta["best"],
        "numbers": meta["numbers"],
        "pictures": {path.name: path.read_bytes() for path in run.path.glob("fakes-000000032.png")},
        **models,
    }


def test_a_forked_child_can_train_and_write():
    """The tests of crashes rest on this: without a crash the child process succeeds."""
    assert in_child(lambda: train(images=32) and None) == 0
    assert find_run("0").images == 32
