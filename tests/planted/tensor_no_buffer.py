"""G has a tensor that is not a buffer, so that it stays on its device."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/any-device"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="tensor_no_buffer:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.scale = torch.linspace(0.5, 1.5, 16)

    def hidden(self, z):
        return super().hidden(z) * self.scale


def build(options, data):
    return make_networks(data, generator=Planted)
