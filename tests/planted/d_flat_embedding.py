"""D provides an embedding, but it is one number for each sample."""

from ganzoo.plugin import Architecture, DiscriminatorOutput, hookimpl
from planted_base import Discriminator, make_networks

CAUGHT_BY = ["architecture/planted/embedding"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted", summary="Planted.", factory="d_flat_embedding:build", sizes=(8,), provides=("embedding",)
    )


class Planted(Discriminator):
    def compute_logits(self, hidden):
        return DiscriminatorOutput(super().compute_logits(hidden), embedding=hidden.mean(1))


def build(options, data):
    return make_networks(data, discriminator=Planted)
