"""APA: how often it shows fakes as real, and that it keeps D from being sure."""

from __future__ import annotations

import pytest
import torch

import ganzoo
from ganzoo.errors import UsageError


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0, torch.tensor(0.3)])
def test_each_row_is_the_fake_with_probability_p(p):
    augment = ganzoo.create("augmentation", "apa", data=ganzoo.DataInfo(shape=(2,), modality="points"), p=float(p))
    augment.options = type(augment.options)(p=p)
    mixed = augment.mix(torch.zeros(20_000, 2), torch.ones(20_000, 2))
    assert torch.equal(mixed[:, 0], mixed[:, 1])
    assert float(mixed.mean()) == pytest.approx(float(p), abs=0.01)
    assert not hasattr(augment, "update")


def test_p_adapts_as_that_of_ada_and_is_reported():
    apa, ada = (ganzoo.create("augmentation", name, interval=2, images=100) for name in ("apa", "ada"))
    for sign in (1, 1, 1, -1, 1, 1, 1):
        for augment in (apa, ada):
            augment.update(torch.full((8, 3), float(sign)))
    assert apa.report() == ada.report() == {"p": pytest.approx(0.16), "r_t": 1}


def test_an_option_of_adaptation_is_refused_where_p_is_given():
    with pytest.raises(UsageError, match=r"remove aug\.apa\.p or aug\.apa\.target"):
        ganzoo.create("augmentation", "apa", p=0.1, target=0.5)


def test_the_best_d_cannot_be_surer_than_p_allows():
    """Where real and generated samples do not overlap, the best D of bce has the logit log(p) on generated ones."""
    apa, bce = ganzoo.create("augmentation", "apa", p=0.25), ganzoo.create("loss", "bce")
    real, fake = torch.ones(10_000, 1), -torch.ones(10_000, 1)
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)  # D's logits of real and of generated samples
    torch.manual_seed(0)
    taken = apa.mix(real, fake)[:, 0]
    for _ in range(200):
        loss = bce.discriminator(torch.where(taken > 0, weights[0], weights[1])[:, None], weights[1].expand(10_000, 1))
        with torch.no_grad():
            weights -= 4 * torch.autograd.grad(loss, weights)[0]
    weights = weights.detach()
    assert float(weights[1]) == pytest.approx(torch.tensor(0.25).log().item(), abs=0.05)
    assert float(weights[0]) > 4
