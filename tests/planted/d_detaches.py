"""D detaches the samples, so that G gets no gradient."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/forward-and-backward"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="d_detaches:build", sizes=(8, 16))


class Planted(Discriminator):
    def forward(self, x, labels=None):
        return super().forward(x.detach(), labels)


def build(options, data):
    return make_networks(data, discriminator=Planted)
