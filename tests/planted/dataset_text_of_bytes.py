"""It writes samples as bytes."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/write-writes"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(
        name="planted", summary="Planted.", factory="dataset_text_of_bytes:Planted", write="dataset_text_of_bytes:write"
    )


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(2,), modality="points")

    def sample(self, generator, n):
        import torch

        return torch.randn(n, 2, generator=generator), None


def write(samples, info):
    return b"x,y"
