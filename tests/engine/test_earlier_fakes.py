"""Regularizers that show D other fakes than G's newest, and that use the run's loss for further outputs."""

from __future__ import annotations

import pytest
import torch

import toy_terms
from ganzoo.engine import further
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.errors import UsageError
from ganzoo.registry import register

EARLIER = {"reg": "toy-earlier", "train.batch": 4, "train.execution": "eager"}


@pytest.fixture(autouse=True)
def terms(toys: object) -> None:
    register(toy_terms)


def watch(network):
    """Return a list that gets the first input of each call of a network."""
    seen = []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach().clone()))
    return seen


def test_d_sees_an_earlier_fake_and_g_learns_from_its_own(make):
    gan, batches = make(EARLIER)
    made, seen = [], watch(gan.discriminator)
    gan.generator.register_forward_hook(lambda module, inputs, output: made.append(output.detach().clone()))
    for update in range(2):
        update_discriminator(gan, batches, 4 * update)
        update_generator(gan, batches, 4 * update + 4, 0)
    fakes = [seen[1], seen[9]]  # an update has four calls: real and fake, and both for the term
    assert [torch.equal(fake[1:], own[1:]) for fake, own in zip(fakes, made[::2], strict=True)] == [True, True]
    assert not fakes[0][:1].any()
    assert torch.equal(fakes[1][:1], made[0][-1:])
    assert any(torch.equal(x, made[1]) for x in seen[4:])
    assert torch.equal(gan.regularizers["toy-earlier"].fake, made[2][-1:])


def test_the_runs_loss_of_further_outputs_has_its_weight(make):
    gan, _batches = make({**EARLIER, "train.adversarial_weight": 3.0, "train.update": "shared"})
    real, fake = (gan.discriminate(x, None) for x in torch.randn(2, 4, *gan.data.shape))
    told = {name: further.adversarial_loss(gan, name, real, fake) for name in ("discriminator", "generator")}
    assert torch.equal(told["discriminator"], gan.loss.discriminator(real.logits[:, None], fake.logits[:, None]))
    assert torch.equal(told["generator"], 3 * gan.loss.generator(fake.logits[:, None], None))


def test_one_forward_for_both_networks_is_refused(make):
    with pytest.raises(UsageError, match=r"'toy-earlier' shows D other .* use train.update=shared or alter"):
        make({**EARLIER, "train.update": "simultaneous"})
