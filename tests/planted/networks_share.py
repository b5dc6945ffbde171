"""The discriminator has a layer of the generator."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/returns-networks"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="networks_share:build", sizes=(8, 16))


def build(options, data):
    made = make_networks(data)
    made.discriminator.first.bias = made.generator.first.bias
    return made
