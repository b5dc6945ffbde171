"""It asks for classes and does not read them."""

from ganzoo.plugin import Regularizer, hookimpl

CAUGHT_BY = ["regularizer/planted/classes-declared"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="planted", summary="A term.", factory="penalty_classes_for_nothing:Planted", classes=True)


class Planted:
    def __init__(self, options, data):
        pass

    def generator(self, step):
        return step.fake_output.logits.square().mean()
