"""One of its weights is not finite."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/finite-from-the-start"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="nan_at_the_start:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.last.weight.data[0, 0] = float("nan")


def build(options, data):
    return make_networks(data, generator=Planted)
