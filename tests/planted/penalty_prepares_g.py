"""It normalises G too, which must make samples without the regularizer."""

import torch

from ganzoo.plugin import Regularizer, hookimpl

CAUGHT_BY = ["regularizer/planted/prepares"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A norm.", factory="penalty_prepares_g:Planted")


class Planted:
    def __init__(self, options, data):
        pass

    def prepare(self, networks):
        for network in (networks.generator, networks.discriminator):
            torch.nn.utils.parametrizations.spectral_norm(network.last)
