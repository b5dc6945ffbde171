"""G's loss is a sum, not a mean, so that the batch size changes the learning rate."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/batch-size"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_sum:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        return softplus(-fake).sum()
