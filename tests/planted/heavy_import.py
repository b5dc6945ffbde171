"""Its top module imports torch."""

from torch import nn

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["plugin/heavy_import/light-import"]


@hookimpl
def ganzoo_losses():
    yield Loss(name="planted", summary="A loss.", factory="heavy_import:build")


class Hinge(nn.Module):
    def discriminator(self, real, fake):
        if real.shape != fake.shape:
            raise ValueError(f"real {list(real.shape)} and fake {list(fake.shape)} differ")
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator(self, fake, real):
        return -fake.mean()


def build(options, data):
    return Hinge()
