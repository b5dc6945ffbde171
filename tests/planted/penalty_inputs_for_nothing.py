"""The spec says that it differentiates D by its input, but it does not."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted, sum_logits

CAUGHT_BY = ["regularizer/planted/input-gradients-declared"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_inputs_for_nothing:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def discriminator(self, step):
        return self.gamma * sum_logits(step.real_output).square().mean()
