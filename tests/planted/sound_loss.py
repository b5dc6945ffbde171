"""A correct loss: it compares logits with the batch's average, has a weight, and a running mean as a buffer."""

from dataclasses import dataclass

from ganzoo.plugin import Case, Loss, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class Options:
    weight: float = option(1.0, low=0.1, schedulable=True, help="Weight of G's loss.")


@hookimpl
def ganzoo_losses():
    yield Loss(
        name="planted", summary="A loss.", factory="sound_loss:build", options=Options, cases="sound_loss:cases",
        pairs=True, batch_coupled=True, recommended={"arch.norm_d": "none", "reg": "r1", "reg.r1.gamma": 3},
    )  # fmt: skip


def cases():
    import torch

    real, fake = torch.tensor([[1.5], [0.5]]), torch.tensor([[-0.5], [-1.5]])
    expected = {"discriminator": 0.1401515061, "generator": 3 * 2.1401515061}
    yield Case(name="two", options={"weight": 3}, given={"real": real, "fake": fake}, expected=expected)


def build(options, data):
    import torch
    from torch.nn.functional import softplus

    class Sound(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = options.weight
            self.register_buffer("mean", torch.zeros(()))

        def discriminator(self, real, fake):
            self.mean.lerp_(real.detach().float().mean(), 0.1)
            return self.relative(real, fake)

        def generator(self, fake, real):
            return self.weight * self.relative(fake, real)

        def relative(self, up, down):
            return (softplus(down.mean() - up).mean() + softplus(down - up.mean()).mean()) / 2

    return Sound()
