"""It flips the batch at every second call: all real images, and no generated ones."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, UsageError, hookimpl, option

CAUGHT_BY = ["augmentation/planted/same-for-real-and-fake", "augmentation/planted/state-is-buffers"]


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_by_turns:Planted", options=Options)


class Planted:
    def __init__(self, options, data):
        self.p, self.calls = options.p, 0

    def __call__(self, images):
        if images.dim() != 4:
            raise UsageError("it takes images")
        self.calls += 1
        return images.flip(3) if self.p and self.calls % 2 else images
