"""D ends in a tanh."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/logits-unbounded"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_tanh:build", sizes=(8, 16))


class Planted(Discriminator):
    def compute_logits(self, hidden):
        return super().compute_logits(hidden).tanh()


def build(options, data):
    return make_networks(data, discriminator=Planted)
