"""It averages over batches of pairs, whatever their sizes are."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/batches-add-up"]


@hookimpl
def ganzoo_metrics():
    yield Metric(name="planted", summary="Planted.", factory="metric_pairs_by_batch:Planted", pairs=True)


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.reals, self.fakes = [], []

    def pair(self, real, fake, labels):
        self.reals.append((real - fake).abs().mean().item())

    def compute(self):
        return {"difference": sum(self.reals) / len(self.reals)}
