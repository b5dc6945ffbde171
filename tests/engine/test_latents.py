"""Latents that a regularizer moves before both updates: through which networks gradients flow, and when."""

from __future__ import annotations

import pytest
import torch

from ganzoo.engine.latents import move_latents
from ganzoo.engine.update import _compute_discriminator_gradients, _compute_generator_gradients, update_together
from ganzoo.errors import UsageError
from ganzoo.testing.terms import move_part

LOGAN = {"reg": "logan", "loss": "bce", "train.execution": "eager", "train.batch": 8, "arch.width": 6}


def start(make, **settings):
    """Return a GAN in float64 and the part of an update."""
    gan, batches = make(LOGAN | settings)
    for network in (gan.generator, gan.discriminator):
        network.double()
    part = batches.finish(next(batches.discriminator(0)))
    return gan, move_part(part, "cpu", torch.float64)


@pytest.mark.parametrize("step", ["natural", "gradient"])
@pytest.mark.parametrize("network", ["discriminator", "generator"])
def test_both_networks_learn_through_the_moved_latents(make, network, step):
    """Gradients of the whole loss against central differences of it along a random direction of the parameters."""
    gan, part = start(make, **{"reg.logan.step": step, "reg.logan.alpha": 0.3, "reg.logan.share": 1.0})

    def compute():
        if network == "discriminator":
            return _compute_discriminator_gradients(gan, 1, part)
        return _compute_generator_gradients(gan, True, 1, part)

    def loss():
        stats = compute().stats
        return float(stats[f"loss_{network[0]}"] + stats[f"reg.logan/{network[0]}"])

    torch.manual_seed(0)
    slopes, parameters = compute().values, gan.trainable[network]
    moves = [torch.randn_like(parameter) for parameter in parameters]
    sides, h = [], 1e-6
    for sign in (1, -2):
        with torch.no_grad():
            torch._foreach_add_(parameters, [sign * h * move for move in moves])
        sides.append(loss())
    predicted = sum(float((slope * move).sum()) for slope, move in zip(slopes, moves, strict=True))
    assert (sides[0] - sides[1]) / (2 * h) == pytest.approx(predicted, rel=1e-5)
    assert abs(predicted) > 1e-3


def test_moved_latents_please_d_and_a_share_of_them_stays(make):
    gan, part = start(make, **{"reg.logan.share": 0.5, "reg.logan.alpha": 0.01, "reg.logan.step": "gradient"})
    torch.manual_seed(0)
    moved = move_latents(gan, part)
    stays = (moved.z == moved.drawn_z).all(1)
    assert torch.equal(moved.drawn_z, part.z)
    assert 0 < stays.sum() < len(stays)
    before, after = (gan.discriminate(gan.generate(z, None).samples, None).logits for z in (part.z, moved.z))
    assert (after > before)[~stays].all()


def test_latents_are_moved_once_g_learns_from_d(make):
    gan, part = start(make, **{"train.adversarial_start": 100})
    stats = _compute_generator_gradients(gan, False, 1, part).stats
    assert stats == {"reg.logan/g": 0}


def test_d_and_g_may_learn_at_once_but_not_one_through_the_other(make):
    gan, batches = make(LOGAN | {"train.update": "simultaneous"})
    assert update_together(gan, batches, 0)["reg.logan/d"] > 0
    with pytest.raises(UsageError, match=r"'logan' moves latents .* use train\.update=alternating"):
        make(LOGAN | {"train.update": "shared"})
