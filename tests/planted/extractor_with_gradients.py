"""It switches gradients on."""

import torch
from torch import nn

from ganzoo.plugin import Extractor, hookimpl

CAUGHT_BY = ["extractor/planted/stays-in-eval"]


@hookimpl
def ganzoo_extractors():
    yield Extractor(
        name="planted", summary="Planted.", factory="extractor_with_gradients:Planted", modalities=("image",)
    )


class Planted(nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.last = nn.Linear(data.shape[0], 3)

    def forward(self, samples):
        with torch.enable_grad():
            return {"features": self.last(samples.flatten(2).mean(2).requires_grad_())}
