"""It differentiates D by an input of its own, but the spec does not say so."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/input-gradients-declared"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted", summary="A penalty.", factory="penalty_twice_undeclared:Planted", options=Weighted
    )


class Planted(R1):
    def discriminator(self, step):
        samples = step.real_seen.detach().requires_grad_()
        (slopes,) = torch.autograd.grad(sum_logits(step.discriminate(samples)).sum(), samples, create_graph=True)
        return self.gamma / 2 * slopes.square().flatten(1).sum(1).mean()
