"""The metrics of `planted/sound_metrics.py`."""

import numpy as np
import torch

from ganzoo.evaluate.statistics import frechet_distance
from ganzoo.plugin import Case


def cases():
    rows = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    yield Case(name="shifted", given={"real": rows, "fake": rows + 3}, expected={"fd": 18.0})


class Centres:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.rows = {"real": [], "fake": []}

    def real(self, batch):
        self.rows["real"].append(torch.cat([batch["features"], batch["probabilities"]], 1).numpy())  # without a graph

    def fake(self, batch):
        self.rows["fake"].append(torch.cat([batch["features"], batch["probabilities"]], 1).numpy())

    def compute(self):
        real, fake = (torch.from_numpy(np.concatenate(rows)).double().mean(0) for rows in self.rows.values())
        shares = {f"share-{i}": float(share) for i, share in enumerate(fake[-2:])}
        return {"distance": float((real - fake).norm()), **shares}


class Gaussians:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.sides = {}

    def real(self, statistics):
        self.sides["real"] = statistics

    def fake(self, statistics):
        self.sides["fake"] = statistics

    def compute(self):
        real, fake = self.sides["real"], self.sides["fake"]
        return {"fd": frechet_distance(real.mean, real.covariance, fake.mean, fake.covariance)}


class PSNR:
    def __init__(self, options, data):
        self.reset()

    def reset(self):
        self.values = []

    def pair(self, real, fake, labels):
        self.values += (10 * (4 / (real - fake).square().flatten(1).mean(1)).log10()).tolist()

    def compute(self):
        return {"psnr": sum(self.values) / len(self.values)}


class ByClass:
    def __init__(self, options, data):
        self.classes = data.num_classes
        self.reset()

    def reset(self):
        self.sums = {side: torch.zeros(self.classes, 2, dtype=torch.float64) for side in ("real", "fake")}

    def real(self, batch, labels):
        self.add("real", batch, labels)

    def fake(self, batch, labels):
        self.add("fake", batch, labels)

    def add(self, side, batch, labels):
        means = batch.detach().double().flatten(1).mean(1)
        self.sums[side].index_add_(0, labels, torch.stack([means, torch.ones_like(means)], 1))

    def compute(self):
        real, fake = (sums[:, 0] / sums[:, 1].clamp(min=1) for sums in self.sums.values())
        return {"worst": float((real - fake).abs().max())}
