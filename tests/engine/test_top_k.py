"""Top-k training, compared with the plain mean over the best fakes."""

from __future__ import annotations

import pytest
import torch

import ganzoo
from ganzoo.engine.distributed import ALONE
from ganzoo.engine.top_k import keep_best_fakes
from ganzoo.engine.update import update_generator
from ganzoo.layers import logits
from ganzoo.plugin import DiscriminatorOutput

N = 12


def make_logits(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("name", ["bce", "hinge", "wasserstein", "rpgan"])
@pytest.mark.parametrize(("share", "k"), [(0.5, 6), (0.3, 4), (0.0, 1), (1.0, 12), (torch.tensor(0.7), 8)])
def test_gradients_are_those_of_the_mean_over_the_best_fakes(name, share, k):
    loss = ganzoo.create("loss", name, data=ganzoo.DataInfo(shape=(1, 4, 4)))
    fake, real = make_logits(N, 3), make_logits(N, 3, seed=1).detach()
    kept = keep_best_fakes(DiscriminatorOutput(fake), share, ALONE)
    assert torch.equal(kept.logits, fake)
    (gradient,) = torch.autograd.grad(loss.generator(kept.logits, real), fake)
    best = fake.mean(1).topk(k).indices
    (wanted,) = torch.autograd.grad(loss.generator(fake[best], real[best]), fake)
    torch.testing.assert_close(gradient, wanted, rtol=1e-12, atol=1e-15)


def test_a_sample_is_ranked_by_all_its_logits():
    """The second scale decides: its logits are the larger ones."""
    first, second = make_logits(N), make_logits(N, 1, 2, 2, seed=1)
    members = keep_best_fakes(DiscriminatorOutput([first, second * 100]), 0.25, ALONE).logits
    gradients = torch.autograd.grad(sum(each.sum() for each in members), [first, second])
    best = second.flatten(1).mean(1).topk(3).indices.sort().values
    for each in gradients:
        assert torch.equal(each.reshape(N, -1).any(1).nonzero()[:, 0], best)


def test_fakes_with_equal_logits_do_not_all_count():
    same = torch.zeros(N, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(keep_best_fakes(DiscriminatorOutput(same), 0.5, ALONE).logits.mean(), same)
    assert gradient.count_nonzero() == 6


def test_only_the_adversarial_loss_of_g_is_restricted(make):
    plain, batches = make({"optim.g.name": "sgd", "optim.g.lr": 1.0})
    top, others = make({"optim.g.name": "sgd", "optim.g.lr": 1.0, "train.g_top_k": 0.25})
    (part,) = map(batches.finish, batches.generator(16, 0))
    with torch.no_grad():
        best = logits(plain.discriminator(plain.generator(part.z)))[0].mean(1).topk(4).indices
    parameters = list(plain.generator.parameters())
    loss = torch.nn.functional.softplus(-plain.discriminator(plain.generator(part.z))[best]).mean()
    wanted = [p.detach() - g for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True)]
    stats = update_generator(top, others, 16, 0)
    torch.testing.assert_close(list(top.generator.parameters()), wanted, rtol=1e-5, atol=1e-6)
    assert stats["loss_g"] == update_generator(plain, batches, 16, 0)["loss_g"]
