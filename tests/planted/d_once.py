"""The spec provides double-backward, but one of D's functions can be differentiated only once."""

import torch

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/differentiates-twice"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_once:build", provides=("double-backward",))


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return 2 * ctx.saved_tensors[0] * gradient


class Planted(Discriminator):
    def hidden(self, x):
        return Square.apply(super().hidden(x))


def build(options, data):
    return make_networks(data, discriminator=Planted)
