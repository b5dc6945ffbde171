"""G divides its latents by a very large number, so that all samples are nearly the same."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/latents-matter"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_hardly_reads_z:build", sizes=(8,))


class Planted(Generator):
    def hidden(self, z):
        return super().hidden(z / 1e4)


def build(options, data):
    return make_networks(data, generator=Planted)
