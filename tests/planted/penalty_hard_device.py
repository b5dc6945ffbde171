"""It draws its noise on a device that its code names."""

import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/any-device"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A penalty.", factory="penalty_hard_device:Planted", options=Weighted)


class Planted(R1):
    def discriminator(self, step):
        moved = step.real_seen.detach() + torch.randn(step.real_seen.shape, device="cpu")
        return self.gamma * (sum_logits(step.discriminate(moved)) - sum_logits(step.real_output)).square().mean()
