"""G puts a layer on CUDA, whatever device the others are on."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/any-device"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="hidden_cuda:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.last.cuda()


def build(options, data):
    return make_networks(data, generator=Planted)
