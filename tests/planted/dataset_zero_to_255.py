"""Its float images are from 0 to 255."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/opens-as-its-info-says"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_zero_to_255:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8))
        self.data = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8)).astype(np.float32)
