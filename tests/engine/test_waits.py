"""In no update does the host wait for the device. Counted on an imitation of CUDA, and asked of CUDA itself."""

from __future__ import annotations

import pytest
import torch

from devices import cuda
from fake_cuda import CUDA, fake_cuda, move
from ganzoo.engine.batches import Batches
from ganzoo.engine.gan import Gan
from ganzoo.engine.update import update_discriminator, update_generator

BETAS = {f"optim.{network}.betas": "0,cosine(0.9, 0.99, images=1000)" for network in "dg"}
CASES = {
    "bytes on the device": {"train.flip": True},
    "bytes on the host": {"train.flip": True, "loss": "toy-pairs", "train.conditional": True},
    "classes": {"train.conditional": True},
    "a pairing loss, in parts": {"loss": "toy-pairs", "train.micro_batch": 8},
    "points": {"dataset": "toy-points"},
    "scheduled betas": BETAS,
    "labels that the dataset makes": {"arch": "toy-translator", "dataset": "toy-tones"},
    "lazy terms": {"reg": "toy-means", "train.d_reg_interval": 2, "train.g_reg_interval": 3},
}


def make_rounds(gan: Gan, batches: Batches, first: int, num: int) -> None:
    for images in range(first * batches.batch, (first + num) * batches.batch, batches.batch):
        update_discriminator(gan, batches, images)
        update_generator(gan, batches, images + batches.batch, 0)


@pytest.mark.parametrize("case", CASES)
def test_the_host_never_waits_for_the_device(pairs, make, case):
    settings = {"train.execution": "eager", "train.precision": "fp32", **CASES[case]}
    with fake_cuda() as fake:
        gan, batches = make(settings, CUDA)
        if case != "bytes on the host":
            batches = Batches(move(batches.source, CUDA), batches.streams, gan)
        for optimizer in gan.optimizers.values():
            optimizer.make_recordable(captured=True)
        gan.ema.make_recordable(CUDA)
        make_rounds(gan, batches, 0, 3)
        fake.waits.clear()
        make_rounds(gan, batches, 3, 10)
    assert not fake.waits


@cuda
@pytest.mark.parametrize("case", CASES)
def test_cuda_finds_no_wait_in_captured_rounds(pairs, make, case):
    gan, batches = make({"train.execution": "cuda-graph", **CASES[case]}, torch.device("cuda", 0))
    if case != "bytes on the host":
        batches = Batches(move(batches.source, gan.device), batches.streams, gan)
    make_rounds(gan, batches, 0, 12)  # every kind of piece is captured after two runs
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        make_rounds(gan, batches, 12, 10)
    finally:
        torch.cuda.set_sync_debug_mode("default")
