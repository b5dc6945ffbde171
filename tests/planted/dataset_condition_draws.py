"""It makes labels from samples with torch's default generator."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/condition-follows-the-generator"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_condition_draws:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(2,), modality="points", label_shape=(2,))

    def sample(self, generator, n):
        import torch

        return torch.randn(n, 2, generator=generator), None

    def condition(self, real, generator):
        import torch

        return real + torch.randn_like(real)
