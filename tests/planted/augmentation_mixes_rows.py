"""It mixes fakes into other rows than theirs, whose labels are others."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, hookimpl, option

CAUGHT_BY = ["augmentation/planted/mixes-row-by-row"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability for each sample.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(
        name="planted", summary="Planted.", factory="augmentation_mixes_rows:Planted", options=Options, mixes_fakes=True
    )


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def mix(self, real, fake):
        import torch

        chosen = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device) < self.p
        return torch.where(chosen, fake.flip(0), real)
