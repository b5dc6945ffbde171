"""Its meta holds a set, which a model package cannot store."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/info-round-trip"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_set_in_meta:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(2,), modality="points", meta={"columns": {"x", "y"}})

    def sample(self, generator, n):
        import torch

        return torch.randn(n, 2, generator=generator), None
