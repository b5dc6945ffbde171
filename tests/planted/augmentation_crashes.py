"""It reads an attribute that it does not have."""

from ganzoo.plugin import Augmentation, hookimpl

CAUGHT_BY = ["augmentation/planted/keeps-shape-and-dtype"]


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_crashes:Planted")


class Planted:
    def __init__(self, options, data):
        self.strength = 0.1

    def __call__(self, batch):
        return batch * (1 + self.strenght)
