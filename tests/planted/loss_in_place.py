"""It changes the logits in place."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/logits-unchanged"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_in_place:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        return softplus(fake.neg_()).mean()
