"""It keeps a Python number from one update to the next."""

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/repeatable"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_remembers:Planted")


class Planted(BCE):
    calls = 0

    def discriminator(self, real, fake):
        self.calls += 1
        return super().discriminator(real, fake) / self.calls
