"""It changes the weights of the generator to half precision."""

import torch

from ganzoo.plugin import Exporter, hookimpl

CAUGHT_BY = ["exporter/planted/generator-unchanged"]


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="planted", summary="Planted.", factory="exporter_halves_weights:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, generator, directory):
        torch.save(generator.network.half().float().state_dict(), directory / "a.pt")
        return [directory / "a.pt"]
