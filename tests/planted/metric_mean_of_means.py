"""It averages the means of batches, so that small batches count as much as large ones."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/batches-add-up"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_mean_of_means:Planted")


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.reals, self.fakes = [], []

    def real(self, batch):
        self.reals.append(batch.mean().item())

    def fake(self, batch):
        self.fakes.append(batch.mean().item())

    def compute(self):
        return {"difference": sum(self.reals) / len(self.reals) - sum(self.fakes) / len(self.fakes)}
