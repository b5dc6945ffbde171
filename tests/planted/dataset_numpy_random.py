"""Each build has other samples, drawn from NumPy's global generator."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/deterministic", "dataset/planted/random-generators-unchanged"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_numpy_random:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(2,), modality="points")
        self.data = np.random.standard_normal((20, 2)).astype(np.float32)
