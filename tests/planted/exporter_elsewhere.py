"""A format that names a file without its suffix."""

from ganzoo.plugin import Exporter, hookimpl

CAUGHT_BY = ["exporter/planted/writes-what-it-names"]


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="planted", summary="Planted.", factory="exporter_elsewhere:build", suffix=".txt")


def build(options, data):
    def write(generator, directory):
        (directory / "weights.txt").write_text("0")
        return [directory / "weights"]

    return write
