"""D takes labels and does not use them."""

from dataclasses import replace

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/discriminator-uses-labels"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted", summary="Planted.", factory="d_ignores_labels:build", sizes=(8,), conditional="optional"
    )


class Planted(Discriminator):
    def __init__(self, data):
        super().__init__(replace(data, num_classes=0))

    def forward(self, x, labels=None):
        return super().forward(x)


def build(options, data):
    return make_networks(data, discriminator=Planted)
