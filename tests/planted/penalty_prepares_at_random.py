"""Its addition to D has another name in each build, so that checkpoints do not fit."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/prepares"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_prepares_at_random:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def prepare(self, networks):
        networks.discriminator.register_buffer(f"anchor_{id(self)}", torch.zeros(1))
