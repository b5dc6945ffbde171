"""It reads a number back from the device at each call."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, UsageError, hookimpl, option

CAUGHT_BY = ["augmentation/planted/reads-no-number-back", "augmentation/planted/recordable"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_waits:Planted", options=Options)


class Planted:
    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, images):
        if images.dim() != 4:
            raise UsageError("it takes images")
        return images.flip(3) if self.p and images.mean() > 0 else images
