"""`wants` returns a word alone, without what goes wrong."""

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/words-of-options"]


@hookimpl
def ganzoo_losses():
    yield Loss(
        name="planted", summary="A loss.", factory="loss_wants_a_word:Planted", wants=lambda options: ("bounded-slope",)
    )


class Planted(BCE):
    pass
