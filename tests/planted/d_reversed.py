"""The gradients of D's features have the wrong sign."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, networks

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
    def judge(self, hidden):
        return Reversed.apply(super().judge(hidden))


def build(options, data):
    return networks(data, discriminator=Planted)
