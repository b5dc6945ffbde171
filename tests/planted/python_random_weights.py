"""It draws its weights from Python's random."""

import random

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/same-seed-same-weights", "architecture/planted/no-side-effects"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="python_random_weights:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.first.bias.data.fill_(random.random())


def build(options, data):
    return make_networks(data, generator=Planted)
