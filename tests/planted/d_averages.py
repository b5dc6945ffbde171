"""D returns one number for the whole batch."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/any-batch", "architecture/planted/every-declared-size"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_averages:build", sizes=(8, 16))


class Planted(Discriminator):
    def compute_logits(self, hidden):
        return super().compute_logits(hidden).mean(0, keepdim=True)


def build(options, data):
    return make_networks(data, discriminator=Planted)
