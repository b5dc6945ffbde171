"""G scales its weights to length 1 in every forward pass, in eval mode too."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/eval-changes-nothing"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_renormalises:build", sizes=(8,))


class Planted(Generator):
    def hidden(self, z):
        with torch.no_grad():
            self.first.weight.div_(self.first.weight.norm())
        return super().hidden(z)


def build(options, data):
    return make_networks(data, generator=Planted)
