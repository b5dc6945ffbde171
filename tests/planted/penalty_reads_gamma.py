"""It reads a scheduled option back from the device in each update."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/recordable"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_reads_gamma:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def discriminator(self, step):
        return super().discriminator(step) if float(self.gamma) > 0 else sum_logits(step.real_output).sum() * 0
