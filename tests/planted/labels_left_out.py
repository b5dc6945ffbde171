"""It takes classes, and ignores labels that are arrays."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, Generator, make_networks

CAUGHT_BY = ["architecture/planted/labels-that-are-numbers"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted", summary="Planted.", factory="labels_left_out:build", sizes=(8,), conditional="optional"
    )


class PlantedG(Generator):
    def forward(self, z, labels=None):
        return super().forward(z, labels if self.classes else None)


class PlantedD(Discriminator):
    def forward(self, x, labels=None):
        return super().forward(x, labels if self.classes else None)


def build(options, data):
    return make_networks(data, PlantedG, PlantedD)
