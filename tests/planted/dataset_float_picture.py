"""It draws a picture of floats."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/render-draws"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(
        name="planted",
        summary="Planted.",
        factory="dataset_float_picture:Planted",
        render="dataset_float_picture:render",
    )


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(2,), modality="points")

    def sample(self, generator, n):
        import torch

        return torch.randn(n, 2, generator=generator), None


def render(samples, info):
    import numpy as np

    return np.zeros((64, 64, 3))
