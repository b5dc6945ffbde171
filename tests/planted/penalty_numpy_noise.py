"""It draws from NumPy's generator, which the engine does not seed."""

import numpy as np
import torch

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/repeatable"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A penalty.", factory="penalty_numpy_noise:Planted", options=Weighted)


class Planted(R1):
    def discriminator(self, step):
        noise = torch.from_numpy(np.random.standard_normal(step.real_seen.shape)).to(step.real_seen)
        return (
            self.gamma
            * (sum_logits(step.discriminate(step.real_seen + noise)) - sum_logits(step.real_output)).square().mean()
        )
