"""It computes NaN from finite samples."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/computes-numbers"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_nan:Planted")


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.reals, self.fakes = [], []

    def real(self, batch):
        self.reals.append(batch.log().sum().item())

    def fake(self, batch):
        self.fakes.append(batch.sum().item())

    def compute(self):
        return {"difference": sum(self.reals) / len(self.reals) - sum(self.fakes) / len(self.fakes)}
