"""Modes of mixtures in the plane: protocol modes-v1."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, NoOptions, UsageError
from ganzoo_metrics.kept import compute_square_radii
from ganzoo_metrics.sliced import iterate_sorted_gaps

REACH = 3.0  # standard deviations around the centre of a mode
CAPTURED = 1 / 500  # share of all samples that a captured mode has at least: 20 of 10,000
DIRECTIONS = 100  # of the sliced distance


class Modes:
    """How well a mixture of K Gaussians in the plane is covered, after VEEGAN and PacGAN, with what their counts hide.

    A sample is *near* if it is within 3 sigma of the nearest centre (Srivastava et al. 2017, arXiv:1705.07761; Lin et
    al. 2018, arXiv:1712.04086). N is the number of generated samples; a perfect sampler's values are in brackets.

    - ``modes``: modes that have at least N / 500 near samples, 20 of 10,000 (K); ``modes-any``: at least one (K).
    - ``share``: the share of near samples (``1 - exp(-9 / 2)`` = 0.98889). More means samples too close to the centres.
    - ``kl``: the Kullback-Leibler divergence of the modes' shares of near samples from equal shares, in nats
      (about ``(K - 1) / (2 N)``).
    - ``std``: the standard deviation of a mode's near samples over that of the data's, the median over modes (1).
    - ``spread``: the median distance of a sample to the nearest other sample, over that of the real samples (1). It is
      0 if samples repeat: dots in the right places have all modes, and a share of 1.
    - ``sliced-w2``: the mean over directions of the squared 2-Wasserstein distance to the real samples.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        if "modes" not in data.meta or "sigma" not in data.meta or data.shape != (2,):
            raise UsageError(
                "metric 'modes' counts the modes of a mixture in the plane: use --dataset points with "
                "dataset.shape=ring, grid or grid-100"
            )
        self.centres = torch.tensor(data.meta["modes"], dtype=torch.float64)  # [K, 2]
        self.sigma = float(data.meta["sigma"])
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.kept: dict[str, list[Tensor]] = {"real": [], "fake": []}

    def real(self, batch: Tensor) -> None:
        """Add real samples ``[n, 2]``."""
        self.kept["real"].append(batch.detach())

    def fake(self, batch: Tensor) -> None:
        """Add generated samples ``[n, 2]``."""
        self.kept["fake"].append(batch.detach())

    def compute(self) -> dict[str, float]:
        """Return the values; raise ValueError where a side has fewer than 2 samples."""
        num = min(sum(len(batch) for batch in batches) for batches in self.kept.values())
        if num < 2:
            raise ValueError("it needs at least 2 real and 2 generated samples")
        real, fake = (torch.cat(batches).double() for batches in self.kept.values())
        distances = [compute_square_radii(rows[:num], 1).sqrt().median() for rows in (real, fake)]
        gaps = torch.cat(list(iterate_sorted_gaps(real, fake, DIRECTIONS)))
        return {
            **score_modes(fake, self.centres.to(fake.device), self.sigma),
            "spread": float(distances[1] / distances[0]),
            "sliced-w2": float(gaps.square().mean()),
        }


def score_modes(samples: Tensor, centres: Tensor, sigma: float) -> dict[str, float]:
    """Return ``modes``, ``modes-any``, ``share``, ``kl`` and ``std`` of samples ``[N, 2]``; centres are ``[K, 2]``."""
    offsets = samples[:, None] - centres  # [N, K, 2]
    distances, modes = offsets.norm(dim=2).min(1)
    near = distances <= REACH * sigma
    counts = torch.bincount(modes[near], minlength=len(centres)).double()  # [K]
    squares = torch.zeros_like(counts).index_add_(0, modes[near], distances[near].square())
    inside = 1 - math.exp(-(REACH**2) / 2)  # of the data, and the variance of a coordinate of that part of them:
    variance = sigma**2 * (1 - REACH**2 / 2 * (1 - inside) / inside)
    ratios = (squares / (2 * counts) / variance).sqrt()[counts > 1]
    shares = counts / counts.sum().clamp(min=1)
    return {
        "modes": float((counts >= max(1, CAPTURED * len(samples))).sum()),
        "modes-any": float((counts > 0).sum()),
        "share": float(near.double().mean()),
        "kl": float(torch.special.xlogy(shares, shares * len(centres)).sum()),
        "std": float(ratios.median()) if len(ratios) else 0.0,
    }
