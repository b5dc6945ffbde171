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


@pytest.mark.usefixtures("toys")
def test_perceptual_compares_each_sample_with_the_real_one_of_its_row():
    register(toy_terms)
    term = ganzoo.create("regularizer", "perceptual", data=DATA, weight=3.0, extractor="toy-pixels")
    real, fake = torch.randn(5, 1, 4, 4), torch.randn(5, 1, 4, 4, requires_grad=True)
    look = extractor("toy-pixels", DATA)
    value = term.generator(SimpleNamespace(real=real, fake=fake))
    wanted = 3 * (look(fake)["features"] - look(real)["features"]).abs().mean()
    assert value.item() == pytest.approx(wanted.item())
    assert not torch.allclose(value, term.generator(SimpleNamespace(real=real.flip(0), fake=fake)))
    slopes = [torch.autograd.grad(each, fake)[0] for each in (value, wanted)]
    assert torch.allclose(*slopes)
    assert list(find_frozen({"reg.perceptual": term})) == ["reg.perceptual.look"]
    term = ganzoo.create("regularizer", "perceptual", data=DATA, extractor="toy-pixels", layers=(1.0, 2.0))
    with pytest.raises(UsageError, match=r"2 weights are for as many maps: .*toy-pixels' has 1"):
        term.generator(SimpleNamespace(real=real, fake=fake))
