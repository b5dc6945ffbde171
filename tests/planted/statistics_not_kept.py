"""G collects statistics that neither a package nor a checkpoint stores."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/package-round-trip"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="statistics_not_kept:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.register_buffer("centre", torch.zeros(16), persistent=False)

    def hidden(self, z):
        hidden = super().hidden(z)
        if self.training:
            with torch.no_grad():
                self.centre.lerp_(hidden.float().mean(0), 0.1)
        return hidden - self.centre


def build(options, data):
    return make_networks(data, generator=Planted)
