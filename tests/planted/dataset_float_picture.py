"""It shows samples as a file that is not a picture."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/show-makes-files"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(
        name="planted",
        summary="Planted.",
        factory="dataset_float_picture:Planted",
        show="dataset_float_picture:show",
    )


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(2,), modality="points")

    def sample(self, generator, n):
        import torch

        return torch.randn(n, 2, generator=generator), None


def show(samples, info):
    return {"picture.png": bytes(64)}
