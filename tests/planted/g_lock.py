"""G has a lock, which cannot be copied."""

import threading

from ganzoo.plugin import Architecture, hookimpl
from planted_base import Generator, make_networks

CAUGHT_BY = ["architecture/planted/average-is-a-copy"]


@hookimpl
def ganzoo_architectures():
    yield Architecture(name="planted", summary="Planted.", factory="g_lock:build", sizes=(8, 16))


class Planted(Generator):
    def __init__(self, data):
        super().__init__(data)
        self.lock = threading.Lock()


def build(options, data):
    return make_networks(data, generator=Planted)
