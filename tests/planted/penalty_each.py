"""It returns a number for each sample."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/scalar"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted", summary="A penalty.", factory="penalty_each:Planted", options=Weighted, input_gradients=True
    )


class Planted(R1):
    def discriminator(self, step):
        (slopes,) = torch.autograd.grad(sum_logits(step.real_output).sum(), step.real, create_graph=True)
        return self.gamma / 2 * slopes.square().flatten(1).sum(1)
