"""G has a lambda that refers to G, so that a copy of G uses layers of the original."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/average-is-a-copy"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_lambda:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.inner = lambda z: self.first(z).tanh()

    def hidden(self, z):
        return self.inner(z)


def build(options, data):
    return make_networks(data, generator=Planted)
