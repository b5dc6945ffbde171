"""An endless source that sometimes draws a class that its info does not have."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/opens-as-its-info-says"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_rare_class:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(2,), num_classes=50, modality="points")

    def sample(self, generator, n):
        import torch

        return torch.randn(n, 2, generator=generator), torch.randint(51, (n,), generator=generator)
