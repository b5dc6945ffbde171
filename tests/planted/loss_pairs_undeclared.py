"""G's loss reads real logits, but the spec does not say so."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/pairs-declared"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_pairs_undeclared:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        return softplus(real - fake).mean()
