"""G ends in a sigmoid: its images have no black."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/samples-in-range"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_sigmoid:build", sizes=(8, 16))


class Planted(Generator):
    def draw(self, hidden):
        return self.last(hidden).sigmoid().view(-1, *self.shape)


def build(options, data):
    return make_networks(data, generator=Planted)
