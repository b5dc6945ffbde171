"""Each build is one unit wider than the one before."""

from torch import nn

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/smallest-and-largest", "architecture/planted/same-seed-same-weights"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="grows:build", sizes=(8, 16))


class Planted(Generator):
    width = 16

    def __init__(self, data):
        super().__init__(data)
        Planted.width += 1
        self.wide = nn.Linear(4, Planted.width)
        self.back = nn.Linear(Planted.width, 4)

    def hidden(self, z):
        return super().hidden(self.back(self.wide(z).tanh()))


def build(options, data):
    return make_networks(data, generator=Planted)
