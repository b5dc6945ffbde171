"""It does not change batches that carry a graph, so that D can recognise generated images."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, UsageError, hookimpl, option

CAUGHT_BY = ["augmentation/planted/same-for-real-and-fake"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_knows_fakes:Planted", options=Options)


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, images):
        import torch

        if images.dim() != 4:
            raise UsageError("it takes images")
        if images.requires_grad:
            return images
        return torch.where(torch.rand(len(images), 1, 1, 1, device=images.device) < self.p, images.flip(3), images)
