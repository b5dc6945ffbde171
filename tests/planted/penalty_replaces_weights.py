"""After D's step it replaces D's parameters by new ones."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/after-step-works"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_replaces_weights:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def after_step(self, networks):
        for module in networks.discriminator.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight = torch.nn.Parameter(module.weight.clamp(-0.1, 0.1))
