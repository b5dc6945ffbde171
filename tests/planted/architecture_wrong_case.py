"""Its case is wrong: D has fewer parameters than it expects."""

from ganzoo.plugin import Architecture, Case, DataInfo, hookimpl
from planted_base import make_networks

CAUGHT_BY = ["architecture/planted/case[of the paper]"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted",
        summary="Planted.",
        factory="architecture_wrong_case:build",
        sizes=(8,),
        cases="architecture_wrong_case:cases",
    )


def build(options, data):
    return make_networks(data)


def cases():
    given = {"data": DataInfo(shape=(1, 8, 8))}
    yield Case(name="of the paper", given=given, expected={"generator": 5 * 16 + 17 * 64, "discriminator": 17 * 100})
