"""It stores images from 0 to 1 as bytes, so that all are black."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/range-is-used"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_faint_bytes:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8))
        self.data = np.random.default_rng(0).random((20, 1, 8, 8)).round().astype(np.uint8)
