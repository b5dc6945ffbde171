"""Its labels start at 1, so that the last is larger than its info allows."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/opens-as-its-info-says"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_wrong_classes:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8), num_classes=4)
        self.data = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)
        self.labels = np.arange(20) % 4 + 1
