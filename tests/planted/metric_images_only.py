"""For points it fails with torch's own error."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/takes-data-or-declines"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_images_only:Planted")


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.reals, self.fakes = [], []

    def real(self, batch):
        self.reals += batch.mean((1, 2, 3)).tolist()

    def fake(self, batch):
        self.fakes += batch.mean((1, 2, 3)).tolist()

    def compute(self):
        return {"difference": sum(self.reals) / len(self.reals) - sum(self.fakes) / len(self.fakes)}
