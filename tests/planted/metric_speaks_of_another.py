"""Its spec names a value that it does not compute."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/better-declared"]


@hookimpl
def ganzoo_metrics():
    yield Metric(
        name="planted",
        summary="Planted.",
        factory="metric_speaks_of_another:Planted",
        better={"difference": "lower", "fid": "lower"},
    )


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
