"""Each of its items reads on where the last one stopped, so that items depend on their order."""

from ganzoo.plugin import DataInfo, Dataset, Item, hookimpl

CAUGHT_BY = ["dataset/planted/any-order-of-workers"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_turns:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(1, 8, 8))
        self.position = 0

    def items(self):
        return [Item(name=str(number), load=self.read) for number in range(20)]

    def read(self):
        import numpy as np

        self.position = (self.position + 1) % 20
        return np.full((1, 8, 8), 12 * self.position, dtype=np.uint8)
