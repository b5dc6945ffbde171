"""D ends in a tanh."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, networks

CAUGHT_BY = ["architecture/planted/logits-unbounded"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_tanh:build", sizes=(8, 16))


class Planted(Discriminator):
    def judge(self, hidden):
        return super().judge(hidden).tanh()


def build(options, data):
    return networks(data, discriminator=Planted)
