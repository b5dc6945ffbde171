"""The spec provides class-logits, but D does not return them."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/class-logits"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted",
        summary="Planted.",
        factory="class_logits_missing:build",
        sizes=(8,),
        conditional="optional",
        provides=("class-logits",),
    )


def build(options, data):
    return make_networks(data)
