"""A correct regularizer: R1 with a running mean of its value, with noise, and with a term for G."""

from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Case, Regularizer, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class Options:
    gamma: float = option(1.0, low=0, schedulable=True, help="Weight.")
    where: Literal["input", "nearby"] = option("input", help="At the samples, or near them with finite differences.")


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(
        name="planted", summary="A penalty.", factory="sound_regularizer:build", options=Options,
        input_gradients=at_the_input, cases="sound_regularizer:cases",
    )  # fmt: skip


def at_the_input(options):
    return options.where == "input"


def cases():
    import torch

    D, x = torch.nn.Linear(2, 1), torch.ones(4, 2)
    with torch.no_grad():
        D.weight.copy_(torch.tensor([[3.0, 4.0]]))
    given, expected = {"real": x, "fake": x, "network": D}, {"discriminator": 125, "generator": 10}
    yield Case(name="linear", options={"gamma": 10}, given=given, expected=expected)


def build(options, data):
    import torch

    def answers(output):
        members = output.logits if isinstance(output.logits, list) else [output.logits]
        return sum(member.flatten(1).sum(1) if member.dim() > 1 else member for member in members)

    class Sound(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gamma = options.gamma
            self.register_buffer("mean", torch.zeros(()))

        def prepare(self, networks):
            networks.discriminator.register_buffer("steps", torch.zeros(()))

        def discriminator(self, step):
            if options.where == "input":
                total = answers(step.real_output).sum()
                (slopes,) = torch.autograd.grad(total, step.real, create_graph=True)
                term = slopes.square().flatten(1).sum(1).mean()
            else:
                moved = step.real_seen.detach() + 0.01 * torch.randn_like(step.real_seen)
                ahead, here = (answers(step.discriminate(x, float32=True)) for x in (moved, step.real_seen))
                term = ((ahead - here) / 0.01).square().mean()
            self.mean.lerp_(term.detach().float(), 0.01)
            return self.gamma / 2 * term

        def generator(self, step):
            return self.gamma * step.fake.square().mean()

        @torch.no_grad()
        def after_step(self, networks):
            networks.discriminator.steps += 1

    return Sound()
