"""It is written with log and sigmoid, and is infinite if D is sure and wrong."""

import torch

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/large-logits"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_overflows:Planted")


class Planted(BCE):
    def discriminator(self, real, fake):
        return -torch.sigmoid(real).log().mean() - (1 - torch.sigmoid(fake)).log().mean()
