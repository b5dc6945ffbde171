"""Its spec names a factory that the module does not have."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/factory-resolves"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="factory_misspelt:biuld", sizes=(8, 16))


def build(options, data):
    return make_networks(data)
