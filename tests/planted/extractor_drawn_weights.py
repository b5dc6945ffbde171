"""Each build has other weights."""

from ganzoo.plugin import Extractor, hookimpl

CAUGHT_BY = ["extractor/planted/deterministic"]


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="planted", summary="Planted.", factory="extractor_drawn_weights:Planted")


class Planted:
    def __init__(self, options, data):
        import random

        self.seed = random.randrange(1000)

    def __call__(self, batch):
        import torch

        flat = batch.flatten(1)
        generator = torch.Generator().manual_seed(self.seed)
        return {"features": flat @ torch.randn(flat.shape[1], 4, generator=generator)}
