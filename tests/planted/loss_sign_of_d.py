"""D's loss raises fake logits, as G's does."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/discriminator-signs"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_sign_of_d:Planted")


class Planted(BCE):
    def discriminator(self, real, fake):
        return softplus(-real).mean() + softplus(-fake).mean()
