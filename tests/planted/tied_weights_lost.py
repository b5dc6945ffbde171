"""G uses a weight of D, which a model package of G does not store."""

import torch
from torch import nn

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/package-round-trip"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="tied_weights_lost:build", sizes=(8, 16))


class Planted(Generator):
    def hidden(self, z):
        return super().hidden(z) @ self.tied[0].tanh()


def build(options, data):
    made = make_networks(data, generator=Planted)
    made.discriminator.mixing = nn.Parameter(torch.randn(16, 16))
    made.generator.tied = [made.discriminator.mixing]  # in a list, so that it is not a parameter of G
    return made
