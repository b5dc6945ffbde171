"""An augmentation that rounds to 16 levels and passes gradients unchanged, which its spec excuses."""

from ganzoo.plugin import Augmentation, hookimpl


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(
        name="planted",
        summary="Planted.",
        factory="sound_straight_through:build",
        excused={"finite-differences": "it rounds, and its gradient does not (straight-through)"},
    )


def build(options, data):
    return lambda samples: samples + ((samples * 8).round() / 8 - samples).detach()
