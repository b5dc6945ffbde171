"""Training on an imitation of CUDA is training on the CPU, whose random numbers it draws."""

from __future__ import annotations

import torch
from torch import Tensor

import ganzoo
from fake_cuda import CUDA, fake_cuda, move
from ganzoo.engine import checkpoint
from ganzoo.engine.batches import Batches
from ganzoo.engine.gan import Gan
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.runs.run import Run
from imitated_graphs import imitate

EVERYTHING = {
    "loss": "toy-pairs", "reg": "toy-r1,toy-means", "aug": "toy-noise", "metric": "toy-mean", "arch.norm": True,
    "train.flip": True, "train.conditional": True, "train.micro_batch": 8, "train.d_reg_interval": 2, "optim.d.clip": 1,
    "optim.d.lr": "linear(1e-2, 0, images=400)", "train.execution": "eager", "train.precision": "fp32",
}  # fmt: skip


def train(images: int, device: str) -> Run:
    options = {"arch": "toy", "dataset": "toy-array", "options": EVERYTHING, "progress": False}
    return ganzoo.train(images=images, device=device, **options)


def test_a_resumed_run_on_the_device_is_the_run_on_the_cpu(toys):
    wanted, _ = checkpoint.load(train(112, "cpu").checkpoints[-1])
    with fake_cuda():
        run = ganzoo.train(resume=train(64, "cuda:0").path, images=112, device="cuda:0", progress=False)
    got, _ = checkpoint.load(run.checkpoints[-1])
    assert got.keys() == wanted.keys()
    assert [name for name in wanted if not torch.equal(got[name], wanted[name])] == []


def make_rounds(gan: Gan, batches: Batches) -> dict[str, Tensor]:
    """Train for a few rounds; return the state."""
    for images in range(0, 112, 16):
        update_discriminator(gan, batches, images)
        update_generator(gan, batches, images + 16, 0)
    return {name: tensor.clone() for name, tensor in gan.state()[0].items()}


def test_captured_updates_on_the_device_are_the_updates_on_the_cpu(make, monkeypatch):
    """Samples are read where the data lie, and torch's own Adam makes the steps, both within the capture."""
    settings = {"loss": "toy-pairs", "train.flip": True, "train.conditional": True, "train.precision": "fp32"}
    wanted = make_rounds(*make({**settings, "train.execution": "eager"}))
    with fake_cuda(), monkeypatch.context() as patches:
        imitate(lambda owner, name, value: patches.setattr(owner, name, value, raising=False))
        gan, batches = make({**settings, "train.execution": "cuda-graph"}, CUDA)
        batches = Batches(move(batches.source, CUDA), batches.streams, gan)
        got = make_rounds(gan, batches)
        assert len(gan.execute.records) == 2
    assert [name for name in wanted if (got[name] - wanted[name]).abs().max() > 1e-5] == []
