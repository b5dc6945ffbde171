"""The image_shape in its spec is not that of the opened dataset: height and width are in the wrong order."""

from ganzoo.plugin import DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/info-matches-spec"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(
        name="planted",
        summary="Planted.",
        factory="dataset_other_shape:Planted",
        image_shape=lambda options: (3, 8, 16),
    )


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(3, 16, 8))
        self.data = np.random.default_rng(0).integers(0, 256, (20, 3, 16, 8), dtype=np.uint8)
