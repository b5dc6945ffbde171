"""It lacks the factor of one half, as its case shows."""

import torch

from ganzoo.plugin import Case, Regularizer, hookimpl
from planted_losses import R1, Weighted

CAUGHT_BY = ["regularizer/planted/case[linear]"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="A penalty.",
        factory="penalty_factor:Planted",
        options=Weighted,
        input_gradients=True,
        cases="penalty_factor:cases",
    )


def cases():
    D, x = torch.nn.Linear(2, 1), torch.ones(4, 2)
    with torch.no_grad():
        D.weight.copy_(torch.tensor([[3.0, 4.0]]))
    given = {"real": x, "fake": x, "network": D}
    yield Case(name="linear", options={"gamma": 10}, given=given, expected={"discriminator": 125})


class Planted(R1):
    def discriminator(self, step):
        return 2 * super().discriminator(step)
