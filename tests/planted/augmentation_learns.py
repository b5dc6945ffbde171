"""A trainable parameter sets the strength of its noise, and nothing trains it."""

from dataclasses import dataclass

import torch

from ganzoo.plugin import Augmentation, hookimpl, option

CAUGHT_BY = ["augmentation/planted/learns-nothing"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_learns:Planted", options=Options)


class Planted(torch.nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.p, self.strength = options.p, torch.nn.Parameter(torch.tensor(0.1))

    def forward(self, batch):
        chosen = torch.rand(len(batch), *[1] * (batch.dim() - 1), device=batch.device) < self.p
        return batch + chosen.to(batch.dtype) * self.strength * torch.randn_like(batch)
