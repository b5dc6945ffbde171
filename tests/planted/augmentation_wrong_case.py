"""It mirrors images upside down, but its case expects that left becomes right."""

from ganzoo.plugin import Augmentation, Case, hookimpl

CAUGHT_BY = ["augmentation/planted/case[left becomes right]"]


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(
        name="planted", summary="Planted.", factory="augmentation_wrong_case:build", cases=f"{__name__}:cases"
    )


def build(options, data):
    return lambda samples: samples.flip(2)


def cases():
    import torch

    images = torch.arange(12.0).reshape(1, 1, 3, 4)
    yield Case(name="left becomes right", given={"samples": images, "indices": (0, 0, 0, 0)}, expected={"value": 3})
