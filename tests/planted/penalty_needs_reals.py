"""It fails with real=None in G's update, because its spec does not say that it needs real samples."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/reals-declared"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_needs_reals:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def generator(self, step):
        return self.gamma * (step.fake.mean(0) - step.real.mean(0)).square().sum()
