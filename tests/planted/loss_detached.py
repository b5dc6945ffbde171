"""G's loss is computed from detached logits."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/scalar"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_detached:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        return softplus(-fake.detach()).mean()
