"""Its factory takes data, but no options."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/factory-resolves"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="factory_without_data:build", sizes=(8, 16))


def build(data):
    return make_networks(data)
