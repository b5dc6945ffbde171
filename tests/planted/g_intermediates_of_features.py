"""G promises samples of earlier stages, and returns features that no sample can be compared with."""

from ganzoo.plugin import Architecture, GeneratorOutput, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/intermediates"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted",
        summary="Planted.",
        factory="g_intermediates_of_features:build",
        sizes=(8,),
        provides=("intermediates",),
    )


class Planted(Generator):
    def forward(self, z, labels=None):
        hidden = self.hidden(z)
        return GeneratorOutput(self.draw(hidden), intermediates=(hidden,))


def build(options, data):
    return make_networks(data, generator=Planted)
