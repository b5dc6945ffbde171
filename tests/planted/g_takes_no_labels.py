"""G's forward takes z alone, because it needs no labels."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/returns-networks"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_takes_no_labels:build", sizes=(8, 16))


class Planted(Generator):
    def forward(self, z):
        return self.draw(self.hidden(z))


def build(options, data):
    return make_networks(data, generator=Planted)
