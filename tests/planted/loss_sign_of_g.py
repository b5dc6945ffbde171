"""G's loss lowers its own logits."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/generator-signs"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_sign_of_g:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        return softplus(fake).mean()
