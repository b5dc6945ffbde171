"""It makes images of three channels, whatever the data are."""

from dataclasses import replace

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/every-declared-size", "architecture/planted/smallest-and-largest"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="three_channels:build", sizes=(8, 16))


def build(options, data):
    return make_networks(replace(data, shape=(3, *data.shape[1:])))
