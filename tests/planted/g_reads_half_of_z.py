"""G reads only the first half of z."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/latents-matter"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_reads_half_of_z:build", sizes=(8, 16))


class Planted(Generator):
    def hidden(self, z):
        return super().hidden(torch.cat([z[:, :2], z[:, :2]], 1))


def build(options, data):
    return make_networks(data, generator=Planted)
