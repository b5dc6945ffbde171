"""D squeezes the logits of a single sample to a number."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/any-batch"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_squeezes:build", sizes=(8, 16))


class Planted(Discriminator):
    def compute_logits(self, hidden):
        return self.last(hidden).squeeze()


def build(options, data):
    return make_networks(data, discriminator=Planted)
