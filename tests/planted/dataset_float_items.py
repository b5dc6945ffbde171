"""Its items are decoded to floats, but its info says bytes."""

from functools import partial

from ganzoo.plugin import DataInfo, Dataset, Item, hookimpl

CAUGHT_BY = ["dataset/planted/opens-as-its-info-says"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_float_items:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(1, 8, 8))

    def items(self):
        return [Item(name=str(number), load=partial(shade, number)) for number in range(20)]


def shade(number):
    import numpy as np

    return np.full((1, 8, 8), number / 10 - 1)
