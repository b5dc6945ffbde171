"""An endless source that draws from torch's global generator, not from the one that it gets."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/draws-follow-the-generator", "dataset/planted/random-generators-unchanged"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_global_draw:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(2,), modality="points")

    def sample(self, generator, n):
        import torch

        return torch.randn(n, 2), None
