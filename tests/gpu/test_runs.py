"""Whole runs on a CUDA device: checkpoints, resuming, memory, loss scaling, several devices."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import ganzoo
from devices import cuda
from ganzoo.engine import checkpoint
from ganzoo.engine.keeper import Keeper
from ganzoo.errors import GanzooError
from ganzoo.runs.run import Run

SETTINGS = {"arch.width": 8, "train.checkpoint_every": 512, "train.keep": 50, "train.batch": 32}

two_devices = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is no second CUDA device here")


def train(images: int, device: str = "cuda", **more: object) -> Run:
    return ganzoo.train(
        arch="dcgan", dataset="digits", images=images, device=device, progress=False, options={**SETTINGS, **more}
    )


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@cuda
def test_checkpoints_have_the_weights_of_their_moment_though_training_goes_on(monkeypatch):
    kept = {}
    keep = Keeper.keep

    def note(self, gan, images, *rest):
        kept[images] = {name: tensor.detach().cpu().clone() for name, tensor in gan.state()[0].items()}
        keep(self, gan, images, *rest)

    monkeypatch.setattr(Keeper, "keep", note)
    run = train(4096)
    assert len(run.checkpoints) > 5
    for path in run.checkpoints:
        stored, meta = checkpoint.load(path)
        wanted = kept[meta["images"]]
        assert stored.keys() == wanted.keys()
        assert [name for name in wanted if not torch.equal(stored[name], wanted[name])] == []


@cuda
def test_a_resumed_run_ends_as_an_unbroken_one():
    deterministic = {"train.deterministic": True}
    whole = train(4096, **deterministic)
    parts = train(2048, **deterministic)
    parts = ganzoo.train(resume=parts, images=4096, device="cuda", progress=False)
    assert parts.recipe()["train"]["execution"] == "cuda-graph"
    ends = [checkpoint.load(run.checkpoints[-1])[0] for run in (whole, parts)]
    assert [name for name in ends[0] if not torch.equal(ends[0][name], ends[1][name])] == []


@cuda
def test_a_run_from_a_gpu_continues_on_a_cpu_and_goes_back():
    run = train(1024)
    run = ganzoo.train(resume=run, images=2048, device="cpu", progress=False)
    assert run.recipe()["train"]["execution"] != "cuda-graph"
    assert ganzoo.train(resume=run, images=3072, device="cuda", progress=False).images == 3072


@cuda
def test_memory_that_runs_out_is_explained_in_a_sentence():
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 1.5 * 2**30 / total))
    try:
        with pytest.raises(GanzooError, match=r"cuda memory ran out: .*train.micro_batch="):
            train(16384, **{"arch.width": 256, "dataset.size": 32, "train.batch": 4096})
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@cuda
def test_a_run_gives_its_memory_back():
    def measure_memory() -> int:
        torch._C._cuda_clearCublasWorkspaces()  # they stay for the next products
        torch.cuda.empty_cache()
        return torch.cuda.memory_allocated()

    gc.collect()
    before = measure_memory()
    gc.disable()
    try:
        train(640, **{"arch.width": 64})
        assert measure_memory() <= before + 2**20
    finally:
        gc.enable()


@cuda
def test_fp16_leaves_an_overflow_out_and_keeps_its_scale():
    run = train(2048, **{"train.precision": "fp16"})
    rows = run.rows()
    assert all(value == value for row in rows for value in row.values() if isinstance(value, float))
    _, meta = checkpoint.load(run.checkpoints[-1])
    scales = [value for name, value in meta["numbers"].items() if name.endswith("scaler/scale")]
    assert len(scales) == 2
    assert all(scale >= 1 for scale in scales)


@cuda
@two_devices
def test_a_run_on_another_device_leaves_the_first_alone():
    before = torch.cuda.memory_allocated(0)
    run = train(640, "cuda:1")
    assert run.recipe()["train"]["execution"] == "cuda-graph"
    assert torch.cuda.memory_allocated(0) == before


DCGAN = ["--arch", "dcgan", "arch.width=8"]
R3GAN = ["--arch", "r3gan", "dataset.size=8", "arch.widths=16,16", "arch.group_width=8", "arch.blocks=1"]
FIXED = ["train.precision=fp32", "train.deterministic=true", "optim.g.name=sgd", "optim.d.name=sgd"]


@cuda
@two_devices
@pytest.mark.parametrize(
    "settings", [R3GAN, [*R3GAN, "train.micro_batch=8"], [*DCGAN, "train.sync_batchnorm=true"]], ids=" ".join
)
def test_two_devices_train_like_one(settings):
    words = ["-m", "ganzoo", "train", "--dataset", "digits", "--images", "640", "--batch", "32", *FIXED, *settings]
    ends = []
    for launcher in ([], ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]):
        done = subprocess.run([sys.executable, *launcher, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        ends.append(checkpoint.load(Run(Path(done.stdout.strip())).checkpoints[-1])[0])
    for name, wanted in ends[0].items():
        assert torch.allclose(ends[1][name].float(), wanted.float(), rtol=1e-3, atol=1e-4), name
