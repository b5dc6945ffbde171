"""It counts its builds and puts the number into a layer's name."""

from torch import nn

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/same-keys-in-every-build"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="keys_count_builds:build", sizes=(8, 16))


class Planted(Generator):
    builds = 0

    def __init__(self, data):
        super().__init__(data)
        Planted.builds += 1
        self.name = f"block{Planted.builds}"
        self.add_module(self.name, nn.Linear(4, 4))

    def hidden(self, z):
        return super().hidden(getattr(self, self.name)(z))


def build(options, data):
    return make_networks(data, generator=Planted)
