"""G returns a mean over the batch as an intermediate, which regularizers expect for each sample."""

from ganzoo.plugin import Architecture, GeneratorOutput, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/generator-output"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_intermediates_of_the_batch:build", sizes=(8,))


class Planted(Generator):
    def forward(self, z, labels=None):
        hidden = self.hidden(z)
        return GeneratorOutput(self.draw(hidden), {"size": hidden.square().mean()}, (hidden.mean(0),))


def build(options, data):
    return make_networks(data, generator=Planted)
