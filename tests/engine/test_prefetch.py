"""Reading ahead: the same batches, while the present one is used."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor

from devices import CPU
from fake_cuda import CUDA, fake_cuda, move
from ganzoo.engine.batches import Batches
from ganzoo.engine.prefetch import Prefetcher


def test_the_next_batch_is_fetched_while_this_one_is_used():
    asked, go = [], threading.Event()

    def read(position):
        asked.append(position)
        if position == 4:
            go.wait(10)
        return torch.tensor([position]), None

    ahead = Prefetcher(read, 4, CPU)
    assert ahead(0)[0] == 0  # does not wait for the one after it
    go.set()
    assert ahead(4)[0] == 4
    assert ahead(4)[0] == 4
    assert ahead(8)[0] == 8
    assert asked[:3] == [0, 4, 8]
    assert len(asked) == len(set(asked))


def test_an_error_in_a_fetch_is_raised_where_the_batch_is_used():
    ahead = Prefetcher(lambda position: (torch.ones(1 // (position - 4)), None), 4, CPU)
    ahead(12)
    with pytest.raises(ZeroDivisionError):
        ahead(4)


@pytest.mark.parametrize("settings", [{}, {"train.conditional": True}, {"loss": "toy-pairs", "train.micro_batch": 8}])
def test_samples_from_the_host_are_those_of_the_device(make, settings):
    with fake_cuda():
        gan, host = make({"train.execution": "eager", "train.precision": "fp32", "train.flip": True, **settings}, CUDA)
        device = Batches(move(host.source, CUDA), host.streams, gan)
        for images in (0, 16, 32, 32, 64, 16, 640, 656):  # in order, again (lazy regularizers), skipping, back
            for feed in (
                lambda batches, i=images: batches.discriminator(i),
                lambda batches, i=images: batches.generator(i, 0),
            ):
                for part, wanted in zip(feed(host), feed(device), strict=True):
                    assert part.positions is None
                    part, wanted = host.finish(part), device.finish(wanted)
                    for one, two in zip(part, wanted, strict=True):
                        assert torch.equal(one, two) if isinstance(two, Tensor) else one == two


def test_every_batch_of_both_networks_is_read_once_and_ahead(make, monkeypatch):
    settings = {"train.execution": "eager", "train.precision": "fp32", "loss": "toy-pairs", "train.d_steps": 2}
    with fake_cuda():
        _, host = make(settings, CUDA)
        read, reads = host.reals.read, []
        monkeypatch.setattr(host.reals, "read", lambda *args: reads.append(args) or read(*args))
        for images in range(0, 128, 32):
            (
                list(host.discriminator(images)),
                list(host.discriminator(images + 16)),
                list(host.generator(images + 32, 0)),
            )
    assert len(reads) == (8 + 1) + (4 + 1)
