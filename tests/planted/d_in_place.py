"""D doubles its input in place."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/inputs-unchanged"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_in_place:build", sizes=(8, 16))


class Planted(Discriminator):
    def forward(self, x, labels=None):
        with torch.no_grad():
            x.mul_(2)
        return super().forward(x, labels)


def build(options, data):
    return make_networks(data, discriminator=Planted)
