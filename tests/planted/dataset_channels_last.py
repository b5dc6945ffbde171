"""Its images have their channels last, as most libraries read them."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/channels-first"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_channels_last:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(8, 8, 3))
        self.data = np.random.default_rng(0).integers(256, size=(20, 8, 8, 3)).astype(np.uint8)
