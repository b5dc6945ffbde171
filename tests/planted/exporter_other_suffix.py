"""Its file does not end in the spec's suffix."""

from ganzoo.plugin import Exporter, hookimpl

CAUGHT_BY = ["exporter/planted/writes-the-files-that-it-names"]


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="planted", summary="Planted.", factory="exporter_other_suffix:Planted", suffix=".bin")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, generator, directory):
        (directory / "a.txt").write_text("a")
        return [directory / "a.txt"]
