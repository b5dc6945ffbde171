"""Its second `compute` has lost the samples."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/same-answer-twice"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_consumes:Planted")


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.reals, self.fakes = [], []

    def real(self, batch):
        self.reals += batch.flatten(1).mean(1).tolist()

    def fake(self, batch):
        self.fakes += batch.flatten(1).mean(1).tolist()

    def compute(self):
        difference = sum(self.reals) - sum(self.fakes)
        self.reset()
        return {"difference": difference}
