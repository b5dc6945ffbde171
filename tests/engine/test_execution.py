"""Every execution is held to eager, update by update, from the same state."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganzoo.engine import execution
from ganzoo.engine.gan import Gan
from ganzoo.engine.update import update_discriminator, update_generator, update_together

STEPS = {
    "alternating": [
        lambda gan, batches, images: update_discriminator(gan, batches, images),
        lambda gan, batches, images: update_generator(gan, batches, images + batches.batch, 0),
    ],
    "shared": [update_together],
    "simultaneous": [update_together],
}


def state(gan: Gan) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in gan.state()[0].items()}


def double(gan: Gan, batches) -> None:
    """Compute in float64 from here on."""
    for module in gan.modules.values():
        module.double()
    ready = batches._ready
    batches._ready = lambda data, labels: ((got := ready(data, labels))[0].double(), got[1])
    latents = batches._latents
    batches._latents = lambda *args: latents(*args).double()


def distances(make: Callable, settings: dict, name: str, rounds: int = 4, in_double: bool = True) -> list[float]:
    """Return how far each update of an execution ends from eager's, of each tensor's largest value, the worst one.

    Before every update eager is given the other's state, so that no difference grows.
    """
    plain, batches = make(settings)
    other, others = make(settings)
    if in_double:
        double(plain, batches)
        double(other, others)
    other.recipe = execution.replace(other.recipe, train=execution.replace(other.recipe.train, execution=name))
    execution.install(other, pytest.fail)
    worst, images = [], 0
    for _ in range(rounds):
        for update in STEPS[plain.recipe.train.update]:
            tensors, numbers = other.state()
            plain.load_state({key: tensor.clone() for key, tensor in tensors.items()}, numbers)
            stats, wanted_stats = update(other, others, images), update(plain, batches, images)
            assert stats.keys() == wanted_stats.keys()
            wanted = state(plain) | {name: value.clone() for name, value in wanted_stats.items()}
            got = state(other) | stats
            assert got.keys() == wanted.keys()
            worst.append(max(distance(got[key], wanted[key]) for key in wanted))
        images += batches.batch
    return worst


def distance(got: Tensor, wanted: Tensor) -> float:
    if not wanted.is_floating_point():
        return float(not torch.equal(got, wanted))
    return float((got - wanted).abs().max() / wanted.abs().max().clamp_min(1e-6))


TOYS = [
    {},
    {"arch.norm": True},
    {"arch.answer": "list", "loss": "toy-pairs"},
    {"arch.answer": "output", "train.conditional": True},
    {"aug": "toy-noise", "reg": "toy-means"},
    {"train.micro_batch": 8, "aug": "toy-noise"},
    {"train.g_reg_interval": 2, "reg": "toy-means", "train.d_reg_interval": 3},
    {"optim.d.name": "sgd", "optim.d.momentum": 0.9, "optim.g.name": "rmsprop"},
    {
        "optim.d.lr": "linear(1e-2, 0, images=64)",
        "optim.g.betas": "0,cosine(0.9, 0.99, images=64)",
        "reg": "toy-means",
        "reg.toy-means.gamma": "linear(2, 0, images=64)",
        "train.ema_ramp": 0.5,
        "train.ema_half_life": 30,
    },
    {"train.update": "shared", "loss": "toy-pairs"},
    {"train.update": "simultaneous", "arch.norm": True, "train.g_reg_interval": 2, "reg": "toy-means"},
]


@pytest.fixture
def traced(monkeypatch):
    """Run recordings as they are: what they hold is tested in a moment, what the compiler makes of them below."""
    monkeypatch.setattr(execution, "inductor", lambda graph, inputs: graph)


@pytest.mark.parametrize("settings", TOYS, ids=lambda settings: ",".join(f"{k}={v}" for k, v in settings.items()))
def test_recorded_updates_are_eager_ones(make, traced, settings):
    assert max(distances(make, settings, "compile")) < 1e-9
