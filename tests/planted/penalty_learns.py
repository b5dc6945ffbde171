"""Its weight is a trainable parameter, and nothing trains it."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/learns-nothing"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted", summary="A penalty.", factory="penalty_learns:Planted", options=Weighted, input_gradients=True
    )


class Planted(torch.nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.plain, self.weight = R1(options, data), torch.nn.Parameter(torch.ones(()))

    def discriminator(self, step):
        return self.weight * self.plain.discriminator(step)
