"""G normalises by its batch, in eval mode too."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/samples-are-independent"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_batch_statistics:build", sizes=(8, 16))


class Planted(Generator):
    def hidden(self, z):
        hidden = super().hidden(z)
        return (hidden - hidden.mean(0)) / (hidden.std(0, correction=0) + 0.1)


def build(options, data):
    return make_networks(data, generator=Planted)
