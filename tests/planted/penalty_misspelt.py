"""The engine does not call its method, whose name is misspelt."""

from ganzoo.plugin import Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/methods"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A penalty.", factory="penalty_misspelt:Planted", options=Weighted)


class Planted:
    def __init__(self, options, data):
        pass

    penalty = R1.discriminator
