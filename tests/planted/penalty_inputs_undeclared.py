"""It differentiates D by its input, but the spec does not say so."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/input-gradients-declared"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted", summary="A penalty.", factory="penalty_inputs_undeclared:Planted", options=Weighted
    )


class Planted(R1):
    pass
