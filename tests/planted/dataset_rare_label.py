"""One of its items has a label that its info does not have."""

from functools import partial

from ganzoo.plugin import DataInfo, Dataset, Item, hookimpl

CAUGHT_BY = ["dataset/planted/opens-as-its-info-says"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_rare_label:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(1, 8, 8), num_classes=2, num_items=200)

    def items(self):
        return [
            Item(name=str(number), load=partial(shade, number), label=2 if number == 57 else number % 2)
            for number in range(200)
        ]


def shade(number):
    import numpy as np

    return np.full((1, 8, 8), number, dtype=np.uint8)
