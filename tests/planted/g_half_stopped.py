"""Half of G's hidden layer is detached: every parameter gets a gradient, but a wrong one."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/finite-differences"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_half_stopped:build", sizes=(8,))


class Planted(Generator):
    def hidden(self, z):
        hidden = super().hidden(z)
        return 0.5 * hidden + 0.5 * hidden.detach()


def build(options, data):
    return make_networks(data, generator=Planted)
