"""A correct loss and a correct penalty; each planted one breaks one rule."""

from dataclasses import dataclass

import torch
from torch.nn.functional import softplus

from ganzoo.plugin import option


@dataclass(frozen=True, kw_only=True)
class Weighted:
    gamma: float = option(1.0, low=0, schedulable=True, help="Weight.")


class BCE:
    def __init__(self, options, data):
        self.options = options

    def discriminator(self, real, fake):
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake, real):
        return softplus(-fake).mean()


def sum_logits(output):
    """Return the sum of each sample's logits, for every form of D's output."""
    members = output.logits if isinstance(output.logits, list) else [output.logits]
    return sum(member.reshape(len(member), -1).sum(1) for member in members)


class R1:
    def __init__(self, options, data):
        self.gamma = options.gamma

    def discriminator(self, step):
        (slopes,) = torch.autograd.grad(sum_logits(step.real_output).sum(), step.real, create_graph=True)
        return self.gamma / 2 * slopes.square().flatten(1).sum(1).mean()
