"""It reports a Python number, which a recording would repeat."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, hookimpl, option

CAUGHT_BY = ["augmentation/planted/reports-scalars"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability for each sample.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(
        name="planted", summary="Planted.", factory="augmentation_reports_a_number:Planted", options=Options
    )


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, batch):
        import torch

        chosen = torch.rand(len(batch), *[1] * (batch.dim() - 1), device=batch.device) < self.p
        return torch.where(chosen, -batch, batch)

    def report(self):
        return {"p": self.p}
