"""G works with one batch size only."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/forward-and-backward"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_fixed_batch:build", sizes=(8, 16))


class Planted(Generator):
    def draw(self, hidden):
        return self.last(hidden).tanh().view(64, *self.shape)


def build(options, data):
    return make_networks(data, generator=Planted)
