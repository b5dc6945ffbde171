"""It clips to twice its limit, as the logits of its case show."""

import torch

from ganzoo.plugin import Case, Regularizer, hookimpl

CAUGHT_BY = ["regularizer/planted/case[one layer]"]


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted",
        summary="Clips D.",
        factory="penalty_clips_too_wide:Planted",
        cases="penalty_clips_too_wide:cases",
    )


def cases():
    D, x = torch.nn.Linear(2, 1, bias=False), torch.ones(4, 2)
    with torch.no_grad():
        D.weight.copy_(torch.tensor([[3.0, 4.0]]))
    given = {"real": x, "fake": x, "network": D}
    yield Case(name="one layer", given=given, expected={"logits": 4 * 0.02})


class Planted:
    def __init__(self, options, data):
        pass

    @torch.no_grad()
    def after_step(self, networks):
        for parameter in networks.discriminator.parameters():
            parameter.clamp_(-0.02, 0.02)
