"""It has a trainable temperature, and nothing trains it."""

import torch

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/learns-nothing"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_learns:Planted")


class Planted(torch.nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.plain, self.temperature = BCE(options, data), torch.nn.Parameter(torch.ones(()))

    def discriminator(self, real, fake):
        return self.plain.discriminator(real * self.temperature, fake * self.temperature)

    def generator(self, fake, real):
        return self.plain.generator(fake * self.temperature, real)
