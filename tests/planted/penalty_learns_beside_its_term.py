"""D's optimizer trains its layer, but only G's term uses it."""

import torch
from torch import nn

from ganzoo.plugin import Regularizer, hookimpl

CAUGHT_BY = ["regularizer/planted/learns-as-declared"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted", summary="A term.", factory="penalty_learns_beside_its_term:Planted", learns="discriminator"
    )


class Planted(nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def discriminator(self, step):
        return step.real_output.logits.square().mean()

    def generator(self, step):
        return self.scale * step.fake_output.logits.square().mean()
