"""The spec provides style, but the last step of synthesis is in forward."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/style"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="style_off:build", provides=("style",))


class Planted(Generator):
    def mapping(self, z, labels=None):
        return self.hidden(z)

    def synthesis(self, w):
        return self.last(w).view(-1, *self.shape)


def build(options, data):
    return make_networks(data, generator=Planted)
