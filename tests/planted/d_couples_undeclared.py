"""D uses the standard deviation of the batch, but the spec does not say so."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/batch-coupling-declared"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_couples_undeclared:build", sizes=(8, 16))


class Planted(Discriminator):
    def hidden(self, x):
        hidden = super().hidden(x)
        return hidden + hidden.std(0, correction=0).mean()


def build(options, data):
    return make_networks(data, discriminator=Planted)
