"""It reads a number back from the device and branches on it."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/recordable"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_reads_a_number:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        return softplus(-fake).mean() if fake.mean() < 0 else -fake.mean()
