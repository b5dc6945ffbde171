"""All of its samples are the same."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/samples-differ"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_constant:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8))
        self.data = np.full((20, 1, 8, 8), 100, dtype=np.uint8)
