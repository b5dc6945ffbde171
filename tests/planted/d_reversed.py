"""The gradients of D's features have the wrong sign."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/discriminator-learns"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_reversed:build", sizes=(8, 16))


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class Planted(Discriminator):
    def compute_logits(self, hidden):
        return Reversed.apply(super().compute_logits(hidden))


def build(options, data):
    return make_networks(data, discriminator=Planted)
