"""The spec provides truncation, but G ignores it."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/truncation"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="truncation_ignored:build", provides=("truncation",))


class Planted(Generator):
    def forward(self, z, labels=None, truncation=1.0):
        return super().forward(z, labels)


def build(options, data):
    return make_networks(data, generator=Planted)
