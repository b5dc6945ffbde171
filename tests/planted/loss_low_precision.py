"""In bf16 it adds up one large number and loses the rest."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/bf16-logits"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_low_precision:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        return (softplus(-fake) + 100).mean() - 100
