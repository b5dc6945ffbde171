"""Its reset keeps the held-out samples of the last measurement."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/resets"]


@hookimpl
def ganzoo_metrics():
    yield Metric(
        name="planted",
        summary="Planted.",
        factory="metric_keeps_held_out:Planted",
        held_out=True,
        better={"difference": "neither"},
    )


class Planted:
    def __init__(self, options, data):
        self.others = []
        self.reset()

    def reset(self):
        self.fakes = []

    def real(self, batch):
        pass

    def fake(self, batch):
        self.fakes += batch.flatten(1).mean(1).tolist()

    def held_out(self, batch):
        self.others += batch.flatten(1).mean(1).tolist()

    def compute(self):
        return {"difference": sum(self.fakes) / len(self.fakes) - sum(self.others) / max(1, len(self.others))}
