"""The spec says that the loss couples samples, but it does not."""

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/batch-coupled-declared"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_couples_for_nothing:Planted", batch_coupled=True)


class Planted(BCE):
    pass
