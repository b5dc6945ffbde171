"""Its images were scaled to [-1, 1] and then divided by 255 again, so that all are grey."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/range-is-used"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_scaled_twice:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8), dtype="float32")
        images = np.random.default_rng(0).integers(256, size=(20, 1, 8, 8))
        self.data = ((images / 127.5 - 1) / 255).astype(np.float32)
