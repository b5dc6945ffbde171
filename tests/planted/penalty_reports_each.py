"""It reports the penalty of each sample, and statistics are scalars."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/reports-scalars"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_reports_each:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def discriminator(self, step):
        self.samples = step.real
        return super().discriminator(step)

    def report(self):
        return {"size": self.samples.detach().flatten(1).norm(dim=1)}
