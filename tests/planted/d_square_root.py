"""D takes a square root, whose slope at 0 is infinite."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/gradients-reach-every-parameter", "architecture/planted/trains-under-every-loss"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_square_root:build", sizes=(8, 16))


class Planted(Discriminator):
    def hidden(self, x):
        hidden = super().hidden(x)
        apart = hidden - hidden[:, :1]
        return (apart * apart).sqrt()


def build(options, data):
    return make_networks(data, discriminator=Planted)
