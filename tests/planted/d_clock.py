"""D seeds its noise with the time."""

import time

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/same-seed-same-answers"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_clock:build", sizes=(8, 16))


class Planted(Discriminator):
    def hidden(self, x):
        generator = torch.Generator(x.device).manual_seed(time.perf_counter_ns())
        return super().hidden(x) + 0.01 * torch.randn(len(x), 16, generator=generator)


def build(options, data):
    return make_networks(data, discriminator=Planted)
