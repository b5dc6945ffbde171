"""It recommends a setting that does not exist."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/trains-as-recommended"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted",
        summary="Planted.",
        factory="recommends_unknown_key:build",
        recommended={"optim.g.momentun": 0.9},
    )


def build(options, data):
    return make_networks(data)
