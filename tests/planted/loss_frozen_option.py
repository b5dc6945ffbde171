"""It turns a scheduled option into a number when it is built."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE, Weighted

CAUGHT_BY = ["loss/planted/schedules"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_frozen_option:Planted", options=Weighted)


class Planted(BCE):
    def __init__(self, options, data):
        self.gamma = float(options.gamma)

    def generator(self, fake, real):
        return self.gamma * softplus(-fake).mean()
