"""D reads its samples in the order of their memory, and its generator draws noise."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, Generator, make_networks

CAUGHT_BY = ["architecture/planted/memory-layout"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_reads_memory:build", sizes=(8, 16))


class Planted(Discriminator):
    def forward(self, x, labels=None):
        return super().forward(x.as_strided((len(x), x[0].numel()), (x[0].numel(), 1)), labels)


class Noisy(Generator):
    def hidden(self, z):
        import torch

        hidden = super().hidden(z)
        return hidden + 0.1 * torch.randn_like(hidden)


def build(options, data):
    return make_networks(data, Noisy, Planted)
