"""A format that puts the generator into train mode."""

from ganzoo.plugin import Exporter, hookimpl

CAUGHT_BY = ["exporter/planted/generator-left-alone"]


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="planted", summary="Planted.", factory="exporter_trains:build", suffix=".txt")


def build(options, data):
    def write(generator, directory):
        generator.network.train()
        (directory / "weights.txt").write_text("0")
        return [directory / "weights.txt"]

    return write
