"""It calls backward(), which leaves gradients on D's parameters."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/no-gradients-left"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_calls_backward:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def discriminator(self, step):
        term = super().discriminator(step)
        term.backward(retain_graph=True)
        return term
