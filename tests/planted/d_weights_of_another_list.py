"""D returns two logits and three weights."""

from ganzoo.plugin import Architecture, DiscriminatorOutput, hookimpl
from planted_base import Discriminator, networks

CAUGHT_BY = ["architecture/planted/logit-weights"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_weights_of_another_list:build", sizes=(8,))


class Planted(Discriminator):
    def judge(self, hidden):
        logits = super().judge(hidden)
        return DiscriminatorOutput([logits, 2 * logits], weights=(1.0, 0.5, 0.25))


def build(options, data):
    return networks(data, discriminator=Planted)
