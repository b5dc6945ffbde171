"""D sets requires_grad on a weight that it froze."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/frozen-stays-frozen"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="unfreezes:build", sizes=(8, 16))


class Planted(Discriminator):
    def __init__(self, data):
        super().__init__(data)
        self.first.weight.requires_grad_(False)

    def hidden(self, x):
        self.first.weight.requires_grad_(True)
        return super().hidden(x)


def build(options, data):
    return make_networks(data, discriminator=Planted)
