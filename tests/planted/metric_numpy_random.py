"""It chooses samples with NumPy's global generator."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/repeatable"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_numpy_random:Planted")


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
        import numpy as np

        return {"difference": float(np.random.choice(self.reals) - np.random.choice(self.fakes))}
