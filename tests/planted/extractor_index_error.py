"""For points it fails with torch's own error."""

from ganzoo.plugin import Extractor, hookimpl

CAUGHT_BY = ["extractor/planted/takes-data-or-declines"]


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="planted", summary="Planted.", factory="extractor_index_error:Planted")


class Planted:
    def __init__(self, options, data):
        pass

    def __call__(self, batch):
        return {"features": batch.mean((2, 3))}
