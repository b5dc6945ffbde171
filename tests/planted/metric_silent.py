"""It computes a value that its spec does not name."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/better-declared"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_silent:Planted", better={"difference": "lower"})


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
        difference = sum(self.reals) / len(self.reals) - sum(self.fakes) / len(self.fakes)
        return {"difference": difference, "square": difference**2}
