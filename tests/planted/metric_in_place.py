"""It scales the batch in place, which other metrics read too."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/batches-unchanged"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_in_place:Planted")


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.reals, self.fakes = [], []

    def real(self, batch):
        self.reals += batch.add_(1).flatten(1).mean(1).tolist()

    def fake(self, batch):
        self.fakes += batch.add_(1).flatten(1).mean(1).tolist()

    def compute(self):
        return {"difference": sum(self.reals) / len(self.reals) - sum(self.fakes) / len(self.fakes)}
