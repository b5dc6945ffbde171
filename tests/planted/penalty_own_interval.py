"""It counts the updates itself and acts in every fourth."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/intervals"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_own_interval:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    calls = 0

    def discriminator(self, step):
        self.calls += 1
        return super().discriminator(step) * (4 if self.calls % 4 == 1 else 0)
