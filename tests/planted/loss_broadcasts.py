"""Pairs broadcast: [N, 1] against [1, N] is taken for N x N pairs."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/unequal-shapes"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_broadcasts:Planted", pairs=True)


class Planted(BCE):
    def discriminator(self, real, fake):
        return softplus(fake - real).mean()

    def generator(self, fake, real):
        return softplus(real - fake).mean()
