"""D returns two logits and three weights."""

from ganzoo.plugin import Architecture, DiscriminatorOutput, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/logit-weights"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_weights_of_another_list:build", sizes=(8,))


class Planted(Discriminator):
    def compute_logits(self, hidden):
        logits = super().compute_logits(hidden)
        return DiscriminatorOutput([logits, 2 * logits], weights=(1.0, 0.5, 0.25))


def build(options, data):
    return make_networks(data, discriminator=Planted)
