"""A mixture of normal distributions with an unknown number of modes, fitted to one column of numbers.

This is the variational mixture of Bishop 2006, Pattern Recognition and Machine Learning, section 10.2, for numbers: a
Dirichlet prior of the weights, and for each mode a normal prior of the mean and a gamma prior of the precision. Modes
that explain nothing lose their weight, so the data decide how many of the 10 remain (Xu et al. 2019, arXiv:1907.00503,
section 4.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

MODES = 10  # the largest number of modes
LEAST = 0.005  # modes with less weight are removed
LOOKED = 20_000  # values that are looked at, chosen by the seed
ITERATIONS, TOLERANCE = 500, 1e-6  # the largest change of a mode's share of the values at which the fit ends
ALPHA, BETA, NU, SCALE = 1e-3, 1.0, 1.0, 0.01  # alpha_0, beta_0, nu_0 and 1 / W_0, for values of variance 1

Array = NDArray[Any]


@dataclass(frozen=True)
class Mixture:
    """The modes of a column, ``[K]`` each: weights that sum to 1, means and standard deviations."""

    weights: Array
    means: Array
    stds: Array

    def compute_responsibilities(self, values: Array) -> Array:
        """Return the probability ``[N, K]`` of each mode, given the values ``[N]``."""
        scores = np.log(self.weights / self.stds) - 0.5 * ((values[:, None] - self.means) / self.stds) ** 2
        return _normalise(scores)


def fit_mixture(values: Array, seed: int = 0) -> Mixture:
    """Fit a mixture of at most `MODES` modes to values ``[N]``, float64. The same seed gives the same mixture.

    Args:
        values: Finite numbers, at least two of them different.
        seed: The seed that chooses the first means, and the values if there are more than `LOOKED`.
    """
    draws = np.random.default_rng(seed)
    if len(values) > LOOKED:
        values = draws.choice(values, LOOKED, replace=False)
    shift, scale = values.mean(), values.std()
    x, counts = np.unique((values - shift) / scale, return_counts=True)
    owners = np.abs(x[:, None] - _choose_means(x, counts, draws)).argmin(1)
    shares = np.eye(owners.max() + 1)[owners]  # [n, K]
    before = np.zeros(shares.shape[1])
    for _ in range(ITERATIONS):
        num, means, beta, precision, nu = _update_modes(x, counts, shares)  # [K] each
        if np.abs(num - before).max() < TOLERANCE * len(values):
            break
        before = num
        shares = _update_shares(x, num, means, beta, precision, nu)
    weights = (num + ALPHA) / (num + ALPHA).sum()
    kept = weights >= min(LEAST, weights.max())
    stds = (precision * nu) ** -0.5
    return Mixture(weights[kept] / weights[kept].sum(), shift + scale * means[kept], scale * stds[kept])


def _choose_means(x: Array, counts: Array, draws: np.random.Generator) -> Array:
    """Return values far from each other as the first means (k-means++: Arthur & Vassilvitskii 2007)."""
    means = [draws.choice(x, p=counts / counts.sum())]
    while len(means) < min(MODES, len(x)):
        far = counts * np.min([(x - mean) ** 2 for mean in means], axis=0)
        means.append(draws.choice(x, p=far / far.sum()))
    return np.array(means)


def _update_modes(x: Array, counts: Array, shares: Array) -> tuple[Array, ...]:
    """Return N_k, m_k, beta_k, W_k and nu_k, ``[K]`` each (eq. 10.51-10.53 and 10.60-10.63), for the shares r_nk."""
    weighted = counts[:, None] * shares  # [n, K]
    num = weighted.sum(0)
    some = np.maximum(num, 1e-300)
    centre = x @ weighted / some
    squares = np.einsum("nk,nk->k", weighted, (x[:, None] - centre) ** 2)  # N_k S_k
    beta, nu = BETA + num, NU + num
    inverse = SCALE + squares + BETA * num / beta * centre**2  # the prior's mean is 0
    return num, num * centre / beta, beta, 1 / inverse, nu


def _update_shares(x: Array, num: Array, means: Array, beta: Array, precision: Array, nu: Array) -> Array:
    """Return the shares r_nk ``[n, K]`` (eq. 10.46, 10.49 and 10.64-10.66)."""
    alpha = ALPHA + num
    log_weight = _digamma(alpha) - _digamma(alpha.sum(keepdims=True))
    log_precision = _digamma(nu / 2) + math.log(2) + np.log(precision)
    square = 1 / beta + nu * precision * (x[:, None] - means) ** 2
    return _normalise(log_weight + 0.5 * log_precision - 0.5 * square)


def _digamma(values: Array) -> Array:
    found: Array = torch.special.digamma(torch.from_numpy(values)).numpy()
    return found


def _normalise(scores: Array) -> Array:
    """Return the softmax of scores ``[N, K]`` over the modes."""
    scores = np.exp(scores - scores.max(1, keepdims=True))
    normalised: Array = scores / scores.sum(1, keepdims=True)
    return normalised
