"""It adds its noise to the real samples in place."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/samples-unchanged"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A penalty.", factory="penalty_in_place:Planted", options=Weighted)


class Planted(R1):
    def discriminator(self, step):
        moved = step.real_seen.detach().add_(torch.randn_like(step.real_seen))
        return self.gamma * (sum_logits(step.discriminate(moved)) - sum_logits(step.real_output)).square().mean()
