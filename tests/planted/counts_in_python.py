"""G's noise fades with a Python count, which checkpoints do not store."""

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/checkpoint-round-trip", "architecture/planted/recorded-equals-plain"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="counts_in_python:build", sizes=(8, 16))


class Planted(Generator):
    calls = 0

    def hidden(self, z):
        self.calls += 1
        return super().hidden(z) * (1 + 1 / self.calls)


def build(options, data):
    return make_networks(data, generator=Planted)
