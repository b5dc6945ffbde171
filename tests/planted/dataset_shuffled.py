"""Each build has its samples in another order."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/deterministic"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_shuffled:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1,), modality="points")
        self.data = np.random.default_rng().permutation(np.arange(50.0, dtype=np.float32))[:, None]
