"""It sets requires_grad on the frozen generator."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/networks-unchanged"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_unfreezes:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def discriminator(self, step):
        step.generator.requires_grad_(True)
        return super().discriminator(step)
