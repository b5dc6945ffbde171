"""The spec says that G's loss reads real logits, but it does not."""

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/pairs-declared"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_pairs_for_nothing:Planted", pairs=True)


class Planted(BCE):
    pass
