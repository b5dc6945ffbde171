"""Frechet distances of features: of all samples, and extrapolated to infinitely many."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.evaluate.statistics import Statistics
from ganzoo.plugin import DataInfo, NoOptions
from ganzoo_metrics.kept import KeptFeatures
from ganzoo_metrics.options import FrechetInfinityOptions


class Frechet:
    """The squared Frechet distance of two Gaussians that have the means and covariances of the features.

    Heusel et al. 2017 (arXiv:1706.08500), eq. 6, with unbiased covariances, in float64. Two sets of N samples of one
    distribution, with F features of variance 1, have a distance of about ``2 F / N + F (F + 1) / (2 (N - 1))``. So only
    distances of equal numbers of samples are comparable.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.sides = {"real": Statistics(), "fake": Statistics()}

    def real(self, statistics: Statistics) -> None:
        """Take the statistics of the real samples."""
        self.sides["real"] = statistics

    def fake(self, statistics: Statistics) -> None:
        """Take the statistics of the generated samples."""
        self.sides["fake"] = statistics

    def compute(self) -> dict[str, float]:
        """Return ``fd``; raise ValueError where a side has fewer than 2 samples."""
        return {"fd": _compute_distance(self.sides["real"], self.sides["fake"])}


class FID(Frechet):
    """The Frechet inception distance (Heusel et al. 2017, arXiv:1706.08500): `Frechet` on the features of Inception.

    50,000 generated samples are compared with the whole training set. With another number n, the value is called
    ``fid-n``, because the distance falls with the number of samples.
    """

    def compute(self) -> dict[str, float]:
        """Return ``fid``; raise ValueError where a side has fewer than 2 samples."""
        return {"fid": super().compute()["fd"]}


class FrechetInfinity(KeptFeatures):
    """The Frechet distance that infinitely many generated samples would have, without the bias of their number.

    Chong & Forsyth 2020 (arXiv:1911.07023), section 3.2: the distance is nearly linear in ``1 / N``. It is measured on
    random parts of the generated samples, and a line through these distances is followed to ``1 / N = 0``.
    """

    def __init__(self, options: FrechetInfinityOptions, data: DataInfo) -> None:
        self.options = options
        super().__init__()

    def compute(self) -> dict[str, float]:
        """Return ``fd``, which may be negative; raise ValueError where a side has fewer than 20 samples."""
        real, fake = self.join_sides(20)
        sizes = torch.linspace(len(fake) // 10, len(fake), self.options.points, dtype=torch.float64).long()
        reference = _summarise(real)
        distances = [
            _compute_distance(reference, _summarise(fake[torch.randperm(len(fake))[:size].to(fake.device)]))
            for size in sizes.tolist()
        ]
        return {"fd": extrapolate(sizes, torch.tensor(distances, dtype=torch.float64))}


def extrapolate(sizes: Tensor, values: Tensor) -> float:
    """Return where the least-squares line of values over ``1 / size`` meets ``1 / size = 0``."""
    inverse = 1 / sizes.double()
    centred = inverse - inverse.mean()
    slope = (centred @ (values - values.mean())) / centred.square().sum()
    return float(values.mean() - slope * inverse.mean())


def _summarise(rows: Tensor) -> Statistics:
    statistics = Statistics()
    statistics.add(rows)
    return statistics


def _compute_distance(one: Statistics, other: Statistics) -> float:
    return one.measure_distance(other)
