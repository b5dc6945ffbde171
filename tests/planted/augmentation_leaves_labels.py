"""It mirrors samples, but not their label images."""

from ganzoo.plugin import Augmentation, UsageError, hookimpl

CAUGHT_BY = ["augmentation/planted/labels-move-with-samples"]


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(
        name="planted", summary="Planted.", factory="augmentation_leaves_labels:Planted", moves_pixels=True
    )


class Planted:
    def __init__(self, options, data):
        pass

    def __call__(self, images, labels=None):
        import torch

        if images.dim() != 4:
            raise UsageError("aug 'planted' mirrors images: remove it")
        mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
        images = torch.where(mirrored, images.flip(3), images)
        return images if labels is None else (images, labels)
