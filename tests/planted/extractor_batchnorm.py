"""Its BatchNorm uses the statistics of the batch."""

from ganzoo.plugin import Extractor, UsageError, hookimpl

CAUGHT_BY = ["extractor/planted/samples-are-independent"]


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="planted", summary="Planted.", factory="extractor_batchnorm:Planted")


class Planted:
    def __init__(self, options, data):
        import torch

        self.norm = torch.nn.BatchNorm2d(3, affine=False)

    def __call__(self, batch):
        if batch.dim() != 4 or batch.shape[1] != 3:
            raise UsageError("it takes images of three channels")
        return {"features": self.norm(batch).abs().mean((2, 3))}
