"""Its float images are from 0 to 1, so that black becomes grey."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/range-is-used"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_zero_to_one:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8))
        self.data = np.random.default_rng(0).random((20, 1, 8, 8), dtype=np.float32)
