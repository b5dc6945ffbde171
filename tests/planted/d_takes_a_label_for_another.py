"""D treats the last class as the one before it."""

from ganzoo.plugin import Architecture, DataInfo, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/discriminator-uses-labels"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted",
        summary="Planted.",
        factory="d_takes_a_label_for_another:build",
        examples=(DataInfo(shape=(3, 8, 8), num_classes=40),),
        conditional="optional",
    )


class Planted(Discriminator):
    def forward(self, x, labels=None):
        return super().forward(x, None if labels is None else labels.clamp(max=self.classes - 2))


def build(options, data):
    return make_networks(data, discriminator=Planted)
