"""It names fewer classes than it has, so that samples cannot be asked for by name."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/class-names-fit"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_few_names:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8), num_classes=3, meta={"classes": ["cat", "dog"]})
        self.data = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)
        self.labels = np.arange(20) % 3
