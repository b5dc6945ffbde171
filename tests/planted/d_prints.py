"""D prints the shapes of its inputs."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/no-side-effects"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_prints:build", sizes=(8, 16))


class Planted(Discriminator):
    def hidden(self, x):
        print(x.shape)
        return super().hidden(x)


def build(options, data):
    return make_networks(data, discriminator=Planted)
