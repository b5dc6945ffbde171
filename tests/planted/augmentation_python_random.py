"""It draws from Python's random."""

import random
from dataclasses import dataclass

from ganzoo.plugin import Augmentation, UsageError, hookimpl, option

CAUGHT_BY = ["augmentation/planted/draws-from-torch-alone"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(
        name="planted", summary="Planted.", factory="augmentation_python_random:Planted", options=Options
    )


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, images):
        if images.dim() != 4:
            raise UsageError("it takes images")
        return images.flip(3) if random.random() < self.p else images
