"""It asks for real samples in G's update and does not use them."""

from ganzoo.plugin import Regularizer, hookimpl

CAUGHT_BY = ["regularizer/planted/reals-declared"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A term.", factory="penalty_reals_for_nothing:Planted", reals=True)


class Planted:
    def __init__(self, options, data):
        pass

    def generator(self, step):
        return step.fake.square().mean()
