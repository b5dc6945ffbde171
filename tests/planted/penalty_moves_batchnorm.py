"""It calls D itself and not step.discriminate, so that D's BatchNorm statistics change."""

import torch

from ganzoo.plugin import DiscriminatorOutput, Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/batchnorm-unchanged"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A penalty.", factory="penalty_moves_batchnorm:Planted", options=Weighted)


class Planted(R1):
    def discriminator(self, step):
        moved = step.real_seen.detach() + 0.1 * torch.randn_like(step.real_seen)
        asked = sum_logits(DiscriminatorOutput(step.discriminator(moved, step.labels)))
        return self.gamma * (asked - sum_logits(step.real_output)).square().mean()
