"""The spec provides features, but D returns them without their graph."""

from ganzoo.plugin import Architecture, DiscriminatorOutput, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/features"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="features_cut:build", provides=("features",))


class Planted(Discriminator):
    def compute_logits(self, hidden):
        return DiscriminatorOutput(super().compute_logits(hidden), features=[hidden.detach()])


def build(options, data):
    return make_networks(data, discriminator=Planted)
