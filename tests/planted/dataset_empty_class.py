"""Its classes are counted from 1, so that class 0 has no samples."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/every-class-has-samples"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_empty_class:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8), num_classes=4)
        self.data = np.random.default_rng(0).integers(256, size=(21, 1, 8, 8)).astype(np.uint8)
        self.labels = np.arange(21) % 3 + 1
