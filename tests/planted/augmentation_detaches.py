"""Its gradient ignores that the mean depends on the samples."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, hookimpl, option

CAUGHT_BY = ["augmentation/planted/finite-differences"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_detaches:Planted", options=Options)


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, images):
        return images + self.p * images.detach().mean()
