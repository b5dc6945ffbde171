"""D has BatchNorm, but the spec does not say so."""

from torch import nn

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/batch-coupling-declared"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_batchnorm_undeclared:build", sizes=(8, 16))


class Planted(Discriminator):
    def __init__(self, data):
        super().__init__(data)
        self.norm = nn.BatchNorm1d(16)

    def hidden(self, x):
        return self.norm(super().hidden(x))


def build(options, data):
    return make_networks(data, discriminator=Planted)
