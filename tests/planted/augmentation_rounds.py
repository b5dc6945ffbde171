"""It rounds to bytes, through which no gradient flows."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, hookimpl, option

CAUGHT_BY = ["augmentation/planted/differentiable"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_rounds:Planted", options=Options)


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, images):
        return images.add(1).mul(127.5).round().div(127.5).sub(1)
