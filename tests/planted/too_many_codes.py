"""Its latents have more codes than entries."""

from dataclasses import replace

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/returns-networks"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="too_many_codes:build", sizes=(8, 16))


def build(options, data):
    return replace(make_networks(data), latent="normal+onehot9")
