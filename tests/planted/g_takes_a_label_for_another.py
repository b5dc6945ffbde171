"""G treats the last class as the one before it."""

from ganzoo.plugin import Architecture, DataInfo, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/generator-uses-labels"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted",
        summary="Planted.",
        factory="g_takes_a_label_for_another:build",
        examples=(DataInfo(shape=(3, 8, 8), num_classes=40),),
        conditional="optional",
    )


class Planted(Generator):
    def forward(self, z, labels=None):
        return super().forward(z, None if labels is None else labels.clamp(max=self.classes - 2))


def build(options, data):
    return make_networks(data, generator=Planted)
