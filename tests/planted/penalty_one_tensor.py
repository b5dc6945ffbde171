"""It expects one tensor as D's output, but D may return a list."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/answers"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_one_tensor:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def discriminator(self, step):
        (slopes,) = torch.autograd.grad(step.real_output.logits.sum(), step.real, create_graph=True)
        return self.gamma / 2 * slopes.square().flatten(1).sum(1).mean()
