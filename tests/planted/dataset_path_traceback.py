"""A path that does not exist gives a FileNotFoundError."""

from dataclasses import dataclass

from ganzoo.plugin import DataInfo, Dataset, hookimpl, option

CAUGHT_BY = ["dataset/planted/clear-error-for-a-path"]


@dataclass(frozen=True, kw_only=True)
class Options:
    path: str = option("points.csv", help="A table.")


@hookimpl
def ganzoo_datasets():
    yield Dataset(
        name="planted",
        summary="Planted.",
        factory="dataset_path_traceback:Planted",
        options=Options,
        path_option="path",
    )


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(2,), modality="points")
        self.data = np.loadtxt(options.path, delimiter=",", dtype=np.float32)
