"""It switches on cuDNN's benchmark when it is called."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/no-side-effects"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="sets_benchmark:build", sizes=(8, 16))


class Planted(Generator):
    def hidden(self, z):
        torch.backends.cudnn.benchmark = True
        return super().hidden(z)


def build(options, data):
    return make_networks(data, generator=Planted)
