"""A correct metric with a case."""

from ganzoo.plugin import Case, Metric, UsageError, hookimpl


@hookimpl
def ganzoo_metrics():
    build, cases = "sound_metric:Mean", "sound_metric:cases"
    better = {"difference": "lower"}
    yield Metric(name="mean", summary="Means.", factory=build, cases=cases, better=better)


def cases():
    import torch

    given = {"real": torch.tensor([[1.0], [2.0], [6.0]]), "fake": torch.tensor([[1.0], [1.5]])}
    yield Case(name="by hand", given=given, expected={"difference": 1.75})


class Mean:
    """The difference between the means of all numbers."""

    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.sums, self.counts = {"real": 0.0, "fake": 0.0}, {"real": 0, "fake": 0}

    def real(self, batch):
        self.add("real", batch)

    def fake(self, batch):
        self.add("fake", batch)

    def add(self, side, batch):
        if batch.dim() not in (2, 4):
            raise UsageError(f"metric 'mean' takes points and images, not samples {list(batch.shape[1:])}")
        self.sums[side] += batch.double().sum().item()
        self.counts[side] += batch.numel()

    def compute(self):
        real, fake = (self.sums[side] / self.counts[side] for side in ("real", "fake"))
        return {"difference": real - fake}
