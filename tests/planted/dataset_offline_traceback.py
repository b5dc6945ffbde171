"""Without a network it fails with whatever the download raised."""

from urllib.request import urlopen

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/says-what-it-misses-offline"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_offline_traceback:Planted")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(2,), modality="points")
        with urlopen("https://example.com/points.csv", timeout=5) as file:
            self.data = np.loadtxt(file, delimiter=",", dtype=np.float32)
