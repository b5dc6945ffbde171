"""Runs that die while they save, that meet a full disk, and that find litter or a stranger's checkpoint."""

from __future__ import annotations

import errno
import importlib
import os

import pytest
import torch

import ganzoo
from ganzoo import files
from ganzoo.engine import checkpoint
from ganzoo.errors import Corrupt, GanzooError
from ganzoo.run import Run, find


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)


def train(**settings) -> Run:
    """Train a tiny run that saves after every second update."""
    options = {"train.checkpoint_every": 32, **settings.pop("options", {})}
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 128, "options": options, **settings})


def left_by(run: Run) -> dict[str, object]:
    """Return what two runs that ended alike have in common, bit for bit."""
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
        "ganzoo.engine.observers:Observers.measure",
        "ganzoo.hub.package:write",
        "ganzoo.engine.checkpoint:save",
    ],
)
def test_a_run_that_dies_while_it_saves_can_be_resumed_and_lacks_nothing(monkeypatch, step, images):
    """A last checkpoint without its package would count as finished, and the package would never come."""
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
    run = find("1")
    assert not run.finished
    ganzoo.train(resume=run)
    assert left_by(run) == left_by(whole)


def test_a_full_disk_at_any_write_stops_the_run_with_a_sentence_and_loses_nothing(monkeypatch):
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
            with pytest.raises(GanzooError, match="the disk is full; free some space and try again") as error:
                train(images=48)
        run = Run(max(whole.path.parent.iterdir()))
        assert ("the last good checkpoint is" in str(error.value)) == bool(run.checkpoints)
        assert [path.name for path in run.path.rglob(".*") if path.name != ".lock"] == []
        if run.recipe_file.exists():
            ganzoo.train(resume=run)
            assert left_by(run) == left_by(whole)


def test_what_a_killed_process_left_half_written_is_cleared_away():
    run = train()
    leftovers = [run.path / ".recipe.json.1.tmp", run.path / "checkpoints" / ".000000064.ckpt.12345.tmp"]
    for path in leftovers:
        path.write_bytes(b"half")
    ganzoo.train(resume=run, images=160)
    assert [path for path in leftovers if path.exists()] == []


# ----------------------------------------------------------------------------
# Restoring.


def test_a_checkpoint_of_other_networks_is_left_where_it_is():
    """It is whole: the plugin that made it would read it still."""
    run, other = train(), train(options={"arch.width": 9})
    run.checkpoints[-1].write_bytes(other.checkpoints[-1].read_bytes())
    with pytest.raises(Corrupt, match=r"does not fit the recipe's networks: Error.* size mismatch") as error:
        ganzoo.train(resume=run, images=160)
    assert "\n" not in str(error.value)
    assert run.images == 128


def test_a_resumed_run_of_convolutions_ends_like_a_whole_one():
    """Their weights, gradients and optimizer states lie channels-last."""
    whole, run = train(arch="toy-conv"), train(arch="toy-conv", images=48)
    ganzoo.train(resume=run, images=128)
    assert left_by(run)["tensors"] == left_by(whole)["tensors"]
