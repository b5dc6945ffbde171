"""An example has a modality that the spec does not name."""

from ganzoo.plugin import Architecture, DataInfo, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/returns-networks"]


@hookimpl
def ganzoo_architectures():
    points = DataInfo(shape=(2,), modality="points")
    yield Architecture(
        name="planted", summary="Planted.", factory="example_of_another_kind:build", sizes=(8,), examples=(points,)
    )


def build(options, data):
    return make_networks(data)
