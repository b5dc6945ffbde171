"""A whole run on an imitation of CUDA is the run on the CPU, whose random numbers it draws."""

from __future__ import annotations

import torch

import ganzoo
from fake_cuda import fake_cuda
from ganzoo.engine import checkpoint
from ganzoo.runs.run import Run

EVERYTHING = {
    "loss": "toy-pairs", "reg": "toy-r1,toy-means", "aug": "toy-noise", "metric": "toy-mean", "arch.norm": True,
    "train.flip": True, "train.conditional": True, "train.micro_batch": 8, "train.d_reg_interval": 2, "optim.d.clip": 1,
    "optim.d.lr": "linear(1e-2, 0, images=400)", "train.execution": "eager", "train.precision": "fp32",
}  # fmt: skip


def train(device: str) -> Run:
    """Train, stop, and resume."""
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, device=device, options=EVERYTHING, progress=False)
    return ganzoo.train(resume=run.path, images=112, device=device, progress=False)


def test_a_run_on_the_device_is_the_run_on_the_cpu(toys):
    wanted, _ = checkpoint.load(train("cpu").checkpoints[-1])
    with fake_cuda():
        got, _ = checkpoint.load(train("cuda:0").checkpoints[-1])
    assert got.keys() == wanted.keys()
    assert [name for name in wanted if not torch.equal(got[name], wanted[name])] == []
