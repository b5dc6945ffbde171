"""For one of its three sizes it makes smaller images."""

from dataclasses import replace

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/every-declared-size"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="one_size_wrong:build", sizes=(8, 16, 32))


def build(options, data):
    small = replace(data, shape=(data.shape[0], 8, 8))
    return make_networks(small if data.shape[1] == 16 else data)
