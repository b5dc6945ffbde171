"""It selects samples by a mask, and the host must wait for the number of them."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, hookimpl, option

CAUGHT_BY = ["augmentation/planted/reads-no-number-back"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_indexes:Planted", options=Options)


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, batch):
        import torch

        chosen = torch.rand(len(batch), device=batch.device) < self.p
        result = batch.clone()
        result[chosen] = -batch[chosen]
        return result
