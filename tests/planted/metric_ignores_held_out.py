"""It says that it reads held-out samples, and drops them."""

from ganzoo.plugin import Metric, hookimpl

CAUGHT_BY = ["metric/planted/reads-held-out"]


@hookimpl
def ganzoo_metrics():
    yield Metric(
        name="planted",
        summary="Planted.",
        factory="metric_ignores_held_out:Planted",
        held_out=True,
        better={"difference": "neither"},
    )


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.rows = {"real": [], "fake": []}

    def real(self, batch):
        self.rows["real"] += batch.flatten(1).mean(1).tolist()

    def fake(self, batch):
        self.rows["fake"] += batch.flatten(1).mean(1).tolist()

    def held_out(self, batch):
        pass

    def compute(self):
        real, fake = (sum(rows) / len(rows) for rows in self.rows.values())
        return {"difference": real - fake}
