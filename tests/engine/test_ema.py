"""The averaged generator: its weights by hand, its buffers, its half-life."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from counting import Counting
from ganzoo.engine.ema import EMA


class Net(nn.Module):
    """A weight, and the buffers that a BatchNorm has."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((3,), value, dtype=torch.float64))
        self.norm = nn.BatchNorm1d(3)


def after(start: float, value: float, num: int, half_life: float, ramp: float | None = None) -> float:
    """Average a network of value `start` that has `value` from then on, `num` times; return the average's weight."""
    net = Net(start)
    ema = EMA(net, half_life, ramp)
    nn.init.constant_(net.weight, value)
    for index in range(num):
        ema.refill(64, 64 * (index + 1))
        ema.update()
    return float(ema.network.weight[0])  # type: ignore[index, arg-type]


def test_beta_is_one_half_after_a_half_life():
    ema = EMA(Net(0), 20_000)
    assert ema.beta(64, 0) == pytest.approx(0.9977843871, abs=1e-10)
    assert ema.beta(20_000, 10**9) == 0.5
    assert ema.beta(32, 0) ** 2 == pytest.approx(ema.beta(64, 0), rel=1e-14)


def test_after_a_half_life_the_old_weight_counts_for_a_half():
    assert after(1, 0, 100, 6400) == pytest.approx(0.5, rel=1e-12)


def test_towards_a_constant_target_the_average_is_one_minus_beta_to_the_n():
    beta = 0.5 ** (64 / 20_000)
    assert after(0, 1, 10, 20_000) == pytest.approx(1 - beta**10, rel=1e-12)


def test_the_ramp_bounds_the_half_life_by_a_share_of_the_images_seen():
    ema = EMA(Net(0), 20_000, ramp=0.05)
    assert ema.beta(64, 0) == 0.0
    assert ema.beta(64, 64) == pytest.approx(0.5 ** (64 / 3.2), rel=1e-12)
    assert ema.beta(64, 200_000) == pytest.approx(0.5 ** (64 / 10_000), rel=1e-12)
    assert ema.beta(64, 400_000) == ema.beta(64, 10**9) == EMA(Net(0), 20_000).beta(64, 0)


def test_a_half_life_of_0_copies_the_network():
    assert after(0, 7, 1, 0) == 7
    assert after(0, 7, 1, 20_000, ramp=0) == 7


def test_statistics_of_batches_are_averaged_and_other_buffers_copied():
    net = Net(1)
    ema = EMA(net, 64)
    net.norm(torch.arange(6.0).view(2, 3))
    assert int(net.norm.num_batches_tracked) == 1  # type: ignore[arg-type]
    ema.refill(64, 64)
    ema.update()
    start = {"norm.running_mean": 0.0, "norm.running_var": 1.0}
    for (name, held), buffer in zip(ema.network.named_buffers(), net.buffers(), strict=True):
        wanted = (buffer + start[name]) / 2 if name in start else buffer  # half of the past after a half-life
        assert torch.allclose(held, wanted)
        assert held.dtype == buffer.dtype
        assert held.data_ptr() != buffer.data_ptr()


def test_the_average_is_a_network_of_its_own_in_eval_mode_without_gradients():
    net = Net(1)
    ema = EMA(net, 20_000)
    assert not ema.network.training
    assert not ema.network.norm.training  # type: ignore[union-attr]
    assert not any(parameter.requires_grad for parameter in ema.network.parameters())
    assert net.training
    assert net.weight.requires_grad
    ema.refill(64, 64)
    nn.init.constant_(ema.network.weight, 0)  # type: ignore[arg-type]
    ema.update()
    assert float(net.weight[0].detach()) == 1
    assert 0 < float(ema.network.weight[0]) < 1  # type: ignore[index, arg-type]


def test_the_layout_stays_channels_last():
    net = nn.Conv2d(4, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = EMA(net, 20_000)
    ema.refill(64, 64)
    ema.update()
    assert ema.network.weight.stride() == net.weight.stride()


def test_a_recorded_update_has_few_operations_and_equals_the_plain_one():
    nets = [nn.Sequential(*(Net(start) for start in range(20))) for _ in range(2)]
    plain, recorded = (EMA(net, 20_000) for net in nets)
    recorded.make_recordable(torch.device("cpu"))
    for net, ema in zip(nets, (plain, recorded), strict=True):
        for index, parameter in enumerate(net.parameters()):
            nn.init.constant_(parameter, index)
        ema.refill(64, 64)
    plain.update()
    with Counting() as counting:
        recorded.update()
    assert counting.calls.total() <= 10  # four for each dtype of parameters, and a copy for each dtype of buffers
    for mine, wanted in zip(recorded.network.parameters(), plain.network.parameters(), strict=True):
        assert torch.allclose(mine, wanted, rtol=1e-12 if mine.dtype == torch.float64 else 1e-6, atol=0)
