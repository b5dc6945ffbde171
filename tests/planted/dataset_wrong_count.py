"""It has one item fewer than its info says."""

from functools import partial

from ganzoo.plugin import DataInfo, Dataset, Item, hookimpl

CAUGHT_BY = ["dataset/planted/opens-as-its-info-says"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_wrong_count:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(1, 8, 8), num_items=21)

    def items(self):
        return [Item(name=str(number), load=partial(shade, number)) for number in range(20)]


def shade(number):
    import numpy as np

    return np.full((1, 8, 8), 12 * number, dtype=np.uint8)
