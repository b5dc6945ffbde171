"""G draws its noise on the CPU, whatever its device is."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/any-device"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="tensor_on_cpu:build", sizes=(8, 16))


class Planted(Generator):
    def hidden(self, z):
        return super().hidden(z) + 0.01 * torch.randn(len(z), 16, device="cpu")


def build(options, data):
    return make_networks(data, generator=Planted)
