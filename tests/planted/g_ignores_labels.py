"""G takes labels and does not use them."""

from dataclasses import replace

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/generator-uses-labels"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted", summary="Planted.", factory="g_ignores_labels:build", sizes=(8,), conditional="optional"
    )


class Planted(Generator):
    def __init__(self, data):
        super().__init__(replace(data, num_classes=0))

    def forward(self, z, labels=None):
        return super().forward(z)


def build(options, data):
    return make_networks(data, generator=Planted)
