"""Its factory returns a tuple."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/returns-networks"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="returns_a_tuple:build", sizes=(8, 16))


def build(options, data):
    made = make_networks(data)
    return made.generator, made.discriminator
