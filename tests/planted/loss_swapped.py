"""D takes real and fake in the other order."""

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/discriminator-signs"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_swapped:Planted")


class Planted(BCE):
    def discriminator(self, real, fake):
        return super().discriminator(fake, real)
