"""The spec provides features, but D returns them without their graph."""

from ganzoo.plugin import Architecture, DiscriminatorOutput, hookimpl
from planted_base import Discriminator, networks

CAUGHT_BY = ["architecture/planted/features"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="features_cut:build", provides=("features",))


class Planted(Discriminator):
    def judge(self, hidden):
        return DiscriminatorOutput(super().judge(hidden), features=[hidden.detach()])


def build(options, data):
    return networks(data, discriminator=Planted)
