"""It sets the default dtype to float64 when it is built."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/no-side-effects"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="sets_dtype:build", sizes=(8, 16))


def build(options, data):
    made = make_networks(data)
    torch.set_default_dtype(torch.float64)
    return made
