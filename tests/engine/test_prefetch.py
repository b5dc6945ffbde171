"""Reading ahead: the same batches, while the present one is used."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor

from devices import CPU, cuda
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


RUN = {"train.execution": "eager", "train.precision": "fp32", "train.flip": True}
RUNS = [{}, {"train.conditional": True}, {"loss": "toy-pairs", "train.micro_batch": 8}]


def compare_host_and_device(make, settings: dict) -> None:
    """Compare the samples of updates from data in the host's memory with those from data on the device."""
    gan, host = make({**RUN, **settings}, CUDA)
    device = Batches(move(host.source, CUDA), host.streams, gan)
    for images in (0, 16, 32, 32, 64, 16, 640, 656):  # in order, again (lazy regularizers), skipping, back
        for feed in (
            lambda batches, i=images: batches.discriminator(i),
            lambda batches, i=images: batches.generator(i, 0),
        ):
            for part, wanted in zip(feed(host), feed(device), strict=True):
                assert part.positions is None
                for one, two in zip(host.finish(part), device.finish(wanted), strict=True):
                    assert torch.equal(one, two) if isinstance(two, Tensor) else one == two


@pytest.mark.parametrize("settings", RUNS)
def test_samples_from_the_host_are_those_of_the_device(make, settings):
    with fake_cuda():
        compare_host_and_device(make, settings)


@cuda
@pytest.mark.parametrize("settings", RUNS)
def test_samples_from_the_host_are_those_of_cuda(make, settings):
    compare_host_and_device(make, settings)


def test_every_batch_of_both_networks_is_read_once_and_ahead(make, monkeypatch):
    with fake_cuda():
        _, host = make({**RUN, "loss": "toy-pairs", "train.d_steps": 2}, CUDA)
        read, found = host.reals.read, []
        monkeypatch.setattr(host.reals, "read", lambda *args: found.append(read(*args)) or found[-1])
        for images in range(0, 128, 32):
            next(host.discriminator(images))
            next(host.discriminator(images + 16))
            next(host.generator(images + 32, 0))
        assert all(samples.is_pinned() for samples, _ in found)
    assert len(found) == (8 + 1) + (4 + 1)
