"""The spec says that D couples the samples of a batch, but it does not."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/batch-coupling-declared"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted", summary="Planted.", factory="d_couples_for_nothing:build", provides=("batch-coupled-d",)
    )


def build(options, data):
    return make_networks(data)
