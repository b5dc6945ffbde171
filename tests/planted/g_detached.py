"""G detaches its samples."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/forward-and-backward"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_detached:build", sizes=(8, 16))


class Planted(Generator):
    def draw(self, hidden):
        return super().draw(hidden).detach()


def build(options, data):
    return make_networks(data, generator=Planted)
