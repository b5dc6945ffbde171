"""G puts itself into eval mode in its forward pass."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/modes-unchanged"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="changes_mode:build", sizes=(8, 16))


class Planted(Generator):
    def hidden(self, z):
        self.eval()
        return super().hidden(z)


def build(options, data):
    return make_networks(data, generator=Planted)
