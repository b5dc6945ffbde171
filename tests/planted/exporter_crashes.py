"""It crashes on data that are not images."""

from ganzoo.plugin import Exporter, hookimpl

CAUGHT_BY = ["exporter/planted/exports-or-declines"]


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="planted", summary="Planted.", factory="exporter_crashes:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, generator, directory):
        channels, height, width = generator.data.shape
        (directory / "a.txt").write_text(f"{channels} {height} {width}")
        return [directory / "a.txt"]
