"""It subtracts two outputs in bf16, which loses the difference."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/bf16"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A penalty.", factory="penalty_low_differences:Planted", options=Weighted)


class Planted(R1):
    def discriminator(self, step):
        moved = step.real_seen.detach() + 1e-4
        rise = (sum_logits(step.discriminate(moved)) - sum_logits(step.discriminate(step.real_seen))) / 1e-4
        return self.gamma * rise.square().mean()
