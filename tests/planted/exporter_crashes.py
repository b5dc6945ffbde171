"""A format for images that fails on anything else, with whatever Python says."""

from ganzoo.plugin import Exporter, hookimpl

CAUGHT_BY = ["exporter/planted/declines-what-it-cannot-hold"]


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="planted", summary="Planted.", factory="exporter_crashes:build")


def build(options, data):
    def write(generator, directory):
        channels, height, width = generator.data.shape
        path = directory / "size"
        path.write_text(f"{channels} {height} {width}")
        return [path]

    return write
