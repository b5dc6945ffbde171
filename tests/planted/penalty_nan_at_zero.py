"""Its norm has no derivative at 0, so that a D that starts at zero becomes NaN."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/constant-discriminator"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_nan_at_zero:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def discriminator(self, step):
        (slopes,) = torch.autograd.grad(sum_logits(step.real_output).sum(), step.real, create_graph=True)
        return self.gamma * (slopes.square().flatten(1).sum(1).sqrt() - 1).square().mean()
