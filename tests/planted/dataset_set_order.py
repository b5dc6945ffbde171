"""It numbers its classes in the order of a set, which differs from process to process."""

from functools import partial

from ganzoo.plugin import DataInfo, Dataset, Item, hookimpl

CAUGHT_BY = ["dataset/planted/same-in-every-process"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_set_order:Planted")


class Planted:
    def __init__(self, options):
        self.classes = list({"ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"})
        self.info = DataInfo(shape=(1, 8, 8), num_classes=len(self.classes))

    def items(self):
        return [
            Item(name=f"{name}.png", load=partial(shade, name), label=self.classes.index(name))
            for name in sorted(self.classes)
        ]


def shade(name):
    import numpy as np

    return np.full((1, 8, 8), ord(name[0]), dtype=np.uint8)
