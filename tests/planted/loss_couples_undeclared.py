"""It compares logits with the batch's average, but the spec does not say so."""

from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/batch-coupled-declared"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_couples_undeclared:Planted")


class Planted(BCE):
    def discriminator(self, real, fake):
        return softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean()
