"""The name of its method for G's loss is misspelt."""

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/returns-what-is-called"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_misspelt:Planted")


class Planted:
    def __init__(self, options, data):
        self.discriminator, self.generater = BCE(options, data).discriminator, BCE(options, data).generator
