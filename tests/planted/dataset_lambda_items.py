"""Its items load with a lambda, which cannot be sent to worker processes."""

from ganzoo.plugin import DataInfo, Dataset, Item, hookimpl

CAUGHT_BY = ["dataset/planted/picklable"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_lambda_items:Planted")


class Planted:
    def __init__(self, options):
        self.info = DataInfo(shape=(1, 8, 8))

    def items(self):
        return [Item(name=str(number), load=lambda number=number: shade(number)) for number in range(20)]


def shade(number):
    import numpy as np

    return np.full((1, 8, 8), 12 * number, dtype=np.uint8)
