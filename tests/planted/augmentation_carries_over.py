"""It copies its kernel to the device at each call, which no CUDA graph can record."""

from ganzoo.plugin import Augmentation, UsageError, hookimpl

CAUGHT_BY = ["augmentation/planted/reads-no-number-back"]


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_carries_over:Planted")


class Planted:
    def __init__(self, options, data):
        import torch

        self.kernel = torch.full((1, 1, 1, 3), 1 / 3)

    def __call__(self, images):
        import torch

        if images.dim() != 4:
            raise UsageError("it takes images")
        kernel = self.kernel.to(images).expand(images.shape[1], 1, 1, 3)
        return torch.nn.functional.conv2d(images, kernel, padding=(0, 1), groups=images.shape[1])
