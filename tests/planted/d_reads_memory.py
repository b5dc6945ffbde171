"""D reads the memory of its samples as it lies."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, networks

CAUGHT_BY = ["architecture/planted/memory-layout"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_reads_memory:build", sizes=(8, 16))


class Planted(Discriminator):
    def forward(self, x, labels=None):
        return super().forward(x.as_strided((len(x), x[0].numel()), (x[0].numel(), 1)), labels)


def build(options, data):
    return networks(data, discriminator=Planted)
