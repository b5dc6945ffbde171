"""It uses only the first patch of a patch map."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/shapes"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_of_one_patch:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        return softplus(-fake.reshape(len(fake), -1)[:, 0]).mean()
