"""G has a layer that it never uses."""

from torch import nn

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/gradients-reach-every-parameter"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="dead_parameter:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.spare = nn.Linear(4, 4)


def build(options, data):
    return make_networks(data, generator=Planted)
