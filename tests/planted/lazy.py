"""Its layers get their shapes in the first forward pass."""

from torch import nn

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/every-declared-size"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="lazy:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.first = nn.LazyLinear(16)


def build(options, data):
    return make_networks(data, generator=Planted)
