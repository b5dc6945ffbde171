"""D reads a number back from a tensor and branches on it."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/recorded-equals-plain"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="branches_on_data:build", sizes=(8, 16))


class Planted(Discriminator):
    def hidden(self, x):
        hidden = super().hidden(x)
        return hidden / 2 if float(hidden.detach().mean()) > 0 else hidden


def build(options, data):
    return make_networks(data, discriminator=Planted)
