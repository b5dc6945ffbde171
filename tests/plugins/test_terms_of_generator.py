"""The terms of G: what their exact cases do not show. The kit checks the cases."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import ganzoo
import toy_terms
from ganzoo.engine.assemble import find_frozen
from ganzoo.errors import UsageError
from ganzoo.layers import extractor
from ganzoo.plugin import DataInfo, GeneratorOutput
from ganzoo.registry import register

DATA = DataInfo(shape=(1, 4, 4))


@pytest.mark.usefixtures("toys")
def test_self_distillation_compares_features_with_those_of_the_average_for_the_same_latents():
    register(toy_terms)
    term = ganzoo.create("regularizer", "sd", data=DATA, weight=3.0, extractor="toy-pixels")
    z, labels = torch.randn(5, 16, requires_grad=True), torch.arange(5)
    fake = (2 * z).view(5, 1, 4, 4)

    def average(latents, chosen):
        assert chosen is labels
        return GeneratorOutput(latents.view(5, 1, 4, 4), {"kl": latents.sum()})

    value = term.generator(SimpleNamespace(z=z, labels=labels, fake=fake, average=average))
    look = extractor("toy-pixels", DATA)
    wanted = 3 * (look(fake)["features"] - look(fake.detach() / 2)["features"]).square().mean()
    assert value.item() == pytest.approx(wanted.item())
    slopes = [torch.autograd.grad(each, fake, retain_graph=True)[0] for each in (value, wanted)]
    assert torch.allclose(*slopes)
    assert list(find_frozen({"reg.sd": term})) == ["reg.sd.look"]
    assert not list(term.parameters())


def test_optimal_transport_refuses_latents_of_another_size():
    term = ganzoo.create("regularizer", "ot", data=DATA)
    term.prepare(SimpleNamespace(latent_dim=16))
    with pytest.raises(UsageError, match=r"samples of 16 numbers with their latents, which have 4: .* 16 latents"):
        term.prepare(SimpleNamespace(latent_dim=4))
