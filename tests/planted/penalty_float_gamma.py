"""It turns a scheduled option into a number when it is built."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/schedules"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_float_gamma:Planted",
        options=Weighted,
        input_gradients=True,
    )


class Planted(R1):
    def __init__(self, options, data):
        self.gamma = float(options.gamma)
