"""D squeezes the logits of a single sample to a number."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, networks

CAUGHT_BY = ["architecture/planted/any-batch"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_squeezes:build", sizes=(8, 16))


class Planted(Discriminator):
    def judge(self, hidden):
        return self.last(hidden).squeeze()


def build(options, data):
    return networks(data, discriminator=Planted)
