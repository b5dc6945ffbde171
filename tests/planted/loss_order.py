"""The first samples of a batch count more than the others."""

import torch
from torch.nn.functional import softplus

from ganzoo.plugin import Loss, hookimpl
from planted_losses import BCE

CAUGHT_BY = ["loss/planted/order"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="loss_order:Planted")


class Planted(BCE):
    def generator(self, fake, real):
        weights = torch.linspace(2, 0, len(fake), dtype=fake.dtype, device=fake.device)
        return (softplus(-fake) * weights.view(-1, *[1] * (fake.dim() - 1))).mean()
