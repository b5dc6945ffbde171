"""It detaches the average that each logit is compared with."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/finite-differences"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_half_detached:Planted", batch_coupled=True)


class Planted(BCE):
    def discriminator(self, real, fake):
        return softplus(fake.mean().detach() - real).mean() + softplus(fake - real.mean().detach()).mean()
