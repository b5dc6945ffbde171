"""It compares generated samples with the real samples that came before them."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/any-order-of-sides"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_real_first:Planted")


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.reals, self.fakes = [], []

    def real(self, batch):
        self.reals += batch.flatten(1).mean(1).tolist()

    def fake(self, batch):
        self.known = len(self.reals)
        self.fakes += batch.flatten(1).mean(1).tolist()

    def compute(self):
        return {"difference": sum(self.reals[: self.known]) - sum(self.fakes)}
