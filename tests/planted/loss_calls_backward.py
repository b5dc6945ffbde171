"""It calls backward() itself."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/logits-unchanged"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_calls_backward:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        loss = softplus(-fake).mean()
        loss.backward(retain_graph=True)
        return loss
