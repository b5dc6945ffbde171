"""It puts D into eval mode and leaves it there."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/networks-unchanged"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A penalty.", factory="penalty_leaves_eval:Planted", options=Weighted)


class Planted(R1):
    def discriminator(self, step):
        step.discriminator.eval()
        return self.gamma * sum_logits(step.discriminate(step.real_seen)).square().mean()
