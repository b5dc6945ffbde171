"""D rescales its features through `.data`, which autograd does not see."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/forward-and-backward"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_data:build", sizes=(8, 16))


class Planted(Discriminator):
    def hidden(self, x):
        return super().hidden(x).data / 2


def build(options, data):
    return make_networks(data, discriminator=Planted)
