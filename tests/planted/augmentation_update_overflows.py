"""If D is very sure, its strength becomes infinite."""

from ganzoo.plugin import Augmentation, hookimpl

CAUGHT_BY = ["augmentation/planted/update-takes-logits"]


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="planted", summary="Planted.", factory="augmentation_update_overflows:Planted")


def Planted(options, data):
    import torch

    class Noise(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("strength", torch.zeros(()))

        def forward(self, batch):
            return batch + self.strength.to(batch.dtype) * torch.randn_like(batch)

        def update(self, real_logits):
            self.strength.copy_(real_logits.exp().mean())

    return Noise()
