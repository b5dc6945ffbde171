"""G cannot be put into eval mode."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/modes-unchanged"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="stays_in_train:build", sizes=(8, 16))


class Planted(Generator):
    def train(self, mode=True):
        return super().train(True)


def build(options, data):
    return make_networks(data, generator=Planted)
