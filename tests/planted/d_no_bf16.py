"""D puts the bf16 numbers of autocast into a float32 tensor."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/trains-in-bf16"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_no_bf16:build", sizes=(8, 16))


class Planted(Discriminator):
    def hidden(self, x):
        hidden = super().hidden(x)
        index = torch.arange(16, device=x.device).expand(len(x), 16)
        return torch.zeros(len(x), 16, device=x.device).scatter(1, index, hidden)


def build(options, data):
    return make_networks(data, discriminator=Planted)
