"""It seeds torch when it is built, so that every run starts with the same weights."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/same-seed-same-weights", "architecture/planted/no-side-effects"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="seeds_torch:build", sizes=(8, 16))


def build(options, data):
    torch.manual_seed(0)
    return make_networks(data)
