"""It computes the square of the value that its case expects."""

from ganzoo.plugin import Case, Metric, hookimpl

CAUGHT_BY = ["metric/planted/case[by hand]"]


@hookimpl
def ganzoo_metrics():
    build, cases = (f"metric_wrong_case:{name}" for name in ("Planted", "cases"))
    yield Metric(name="planted", summary="A metric.", factory=build, cases=cases)


def cases():
    import torch

    given = {"real": torch.tensor([[3.0]]), "fake": torch.tensor([[1.0]])}
    yield Case(name="by hand", given=given, expected={"difference": 2.0})


class Planted:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.batches = {"real": [], "fake": []}

    def real(self, batch):
        self.batches["real"].append(batch)

    def fake(self, batch):
        self.batches["fake"].append(batch)

    def compute(self):
        import torch

        real, fake = (torch.cat(batches).mean() for batches in self.batches.values())
        return {"difference": float((real - fake) ** 2)}
