"""G has a buffer that is made on the CPU, whatever device the networks are built on."""

import numpy as np
import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/any-device"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="buffer_of_numpy:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.register_buffer("scale", torch.from_numpy(np.linspace(0.5, 1.5, 16, dtype="float32")))

    def hidden(self, z):
        return super().hidden(z) * self.scale


def build(options, data):
    return make_networks(data, generator=Planted)
