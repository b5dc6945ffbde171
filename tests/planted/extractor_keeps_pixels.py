"""Its features have the shape of images."""

from ganzoo.plugin import Extractor, hookimpl

CAUGHT_BY = ["extractor/planted/gives-features"]


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="planted", summary="Planted.", factory="extractor_keeps_pixels:Planted")


class Planted:
    def __init__(self, options, data):
        pass

    def __call__(self, batch):
        return {"features": batch / 2}
