"""D returns one number for the whole batch."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, networks

CAUGHT_BY = ["architecture/planted/any-batch", "architecture/planted/every-declared-size"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_averages:build", sizes=(8, 16))


class Planted(Discriminator):
    def judge(self, hidden):
        return super().judge(hidden).mean(0, keepdim=True)


def build(options, data):
    return networks(data, discriminator=Planted)
