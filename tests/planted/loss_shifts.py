"""The spec says that 0 lies between the logits of real and fake, but the loss does not see a common shift of them."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/signed-logits"]


@hookimpl
def ganzoo_losses():
    yield Loss(
        name="planted", summary="A loss.", factory="loss_shifts:Planted", pairs=True, provides=("signed-logits",)
    )


class Planted(BCE):
    def discriminator(self, real, fake):
        return softplus(fake - real).mean()

    def generator(self, fake, real):
        return softplus(real - fake).mean()
