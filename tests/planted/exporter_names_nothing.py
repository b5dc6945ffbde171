"""It does not return a file that it wrote."""

from ganzoo.plugin import Exporter, hookimpl

CAUGHT_BY = ["exporter/planted/writes-the-files-that-it-names"]


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="planted", summary="Planted.", factory="exporter_names_nothing:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, generator, directory):
        (directory / "a.txt").write_text("a")
        (directory / "b.txt").write_text("b")
        return [directory / "a.txt"]
