"""It adapts a Python number, which checkpoints do not store."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, UsageError, hookimpl, option

CAUGHT_BY = ["augmentation/planted/state-is-buffers", "augmentation/planted/reads-no-number-back"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_number:Planted", options=Options)


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, images):
        import torch

        if images.dim() != 4:
            raise UsageError("it takes images")
        return torch.where(torch.rand(len(images), 1, 1, 1, device=images.device) < self.p, images.flip(3), images)

    def update(self, real_logits):
        self.p = min(1.0, max(0.0, self.p + 0.1 * real_logits.sign().mean().item()))
