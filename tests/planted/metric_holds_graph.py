"""It holds on to all that it is given, with its graph."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/keeps-no-graph"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_holds_graph:Planted")


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.reals, self.fakes = [], []

    def real(self, batch):
        self.reals.append(batch)

    def fake(self, batch):
        self.fakes.append(batch)

    def compute(self):
        real, fake = (sum(part.double().sum() for part in side).item() for side in (self.reals, self.fakes))
        return {"difference": real - fake}
