"""Its latent_dim is 8, but G takes 4 entries."""

from dataclasses import replace

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/smallest-and-largest"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="wrong_latent_dim:build", sizes=(8, 16))


def build(options, data):
    return replace(make_networks(data), latent_dim=8)
