"""The spec says that D has BatchNorm, but it has none."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/batch-coupling-declared"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted", summary="Planted.", factory="d_batchnorm_for_nothing:build", provides=("batchnorm-in-d",)
    )


def build(options, data):
    return make_networks(data)
