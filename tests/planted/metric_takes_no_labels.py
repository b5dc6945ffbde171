"""Its spec says that it takes labels, but it does not."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/returns-what-is-called"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_takes_no_labels:Planted", labels=True)


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
        return {"difference": sum(self.reals) / len(self.reals) - sum(self.fakes) / len(self.fakes)}
