"""Copies of real samples among generated ones."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo
from ganzoo_metrics.kept import KeptFeatures, compute_square_radii, iterate_square_distances
from ganzoo_metrics.options import CopyingOptions

DIMENSIONS = 64  # of the features in which cells are found
ITERATIONS = 30  # of k-means
LEAST = 20  # generated samples of a cell that counts
REALS = 8  # at least


class Copying(KeptFeatures):
    """Whether generated samples are nearer to real ones than other real samples are.

    *Known* samples are trained on, *other* ones are held out of the training (``dataset.holdout``): copies of a known
    sample are found. If nothing is held out, the real samples are divided into two halves, *known* and *other*.

    - ``authpct``: the percentage of authentic samples, which are farther from the nearest known sample than that one
      is from its own neighbour (Alaa et al. 2022, arXiv:2102.08921, section 3.3). Copies have 0.
    - ``ratio``: ``authpct`` in multiples of that of the other real samples. A perfect sampler has 1, while its
      ``authpct`` depends on the dimension (39 in 2, 80 in 64).
    - ``ct``: the statistic C_T of Meehan, Chaudhuri & Dasgupta 2020 (arXiv:2004.05675), section 4. In each of three
      cells of k-means, in 64 dimensions, it asks by the test of Mann and Whitney whether generated or other real
      samples are nearer to known ones. The mean over cells is near 0 for a perfect sampler. Far below 0 means copies,
      and far above 0 means samples far from all data.

    Without held-out samples, a generator that copies its training set copies other samples as often as known ones.
    These copies are not noticed, and do not hide those that are.
    """

    def __init__(self, options: CopyingOptions, data: DataInfo) -> None:
        self.cells = options.cells
        super().__init__()

    def reset(self) -> None:
        """Forget all samples."""
        super().reset()
        self.others: list[Tensor] = []

    def held_out(self, batch: Mapping[str, Tensor]) -> None:
        """Add features of real samples that are not trained on, ``[n, F]``."""
        self.others.append(batch["features"].detach())

    def compute(self) -> dict[str, float]:
        """Return the three values; raise ValueError where a side has fewer than 8 samples."""
        real, fake = self.join_sides(REALS)
        known, other = (real, torch.cat(self.others).double()) if self.others else (real[::2], real[1::2])
        if len(other) < REALS:
            raise ValueError(f"it needs at least {REALS} held-out samples, not {len(other)}: raise dataset.holdout")
        shares = [compute_authentic_share(known, rows) for rows in (fake, other)]
        return {
            "authpct": 100 * shares[0],
            "ratio": shares[0] / max(shares[1], 1 / len(other)),
            "ct": compute_ct(known, other, fake, self.cells),
        }


def compute_authentic_share(known: Tensor, rows: Tensor) -> float:
    """Return the share of rows that are farther from the nearest known row than that one is from its neighbour."""
    radii = compute_square_radii(known, 1)
    nearest = [block.min(1) for _, block in iterate_square_distances(rows, known)]
    return float(torch.cat([found.values > radii[found.indices] for found in nearest]).double().mean())


def compute_ct(known: Tensor, other: Tensor, fake: Tensor, cells: int) -> float:
    """Return the mean of `compare_distances` over cells, weighted by the other real samples in each."""
    known, other, fake = _reduce(known, other, fake)
    centres = find_centres(known, cells)
    owners = [_find_nearest(rows, centres)[1] for rows in (known, other, fake)]
    scores, weights = [], []
    for cell in range(len(centres)):
        near, apart, made = (rows[owner == cell] for rows, owner in zip((known, other, fake), owners, strict=True))
        if len(near) and len(apart) and len(made) > min(LEAST, len(fake) // (2 * cells)):
            scores.append(compare_distances(_find_nearest(made, near)[0], _find_nearest(apart, near)[0]))
            weights.append(len(apart))
    if not scores:
        return compare_distances(_find_nearest(fake, known)[0], _find_nearest(other, known)[0])
    return sum(score * weight for score, weight in zip(scores, weights, strict=True)) / sum(weights)


def compare_distances(made: Tensor, real: Tensor) -> float:
    """Return the standardised statistic of Mann and Whitney: below 0 where the first distances are the smaller ones."""
    m, n, ordered = len(made), len(real), real.sort().values
    below, up_to = (torch.searchsorted(ordered, made, right=right) for right in (False, True))
    larger = float((below + up_to).double().sum()) / 2  # pairs in which the first distance is larger; ties count half
    return (larger - m * n / 2 + 0.5) / math.sqrt(m * n * (m + n + 1) / 12)


def find_centres(rows: Tensor, count: int) -> Tensor:
    """Return the centres of at most `count` clusters of rows ``[N, F]``, by k-means.

    It begins with random rows far from each other (k-means++: Arthur & Vassilvitskii 2007).
    """
    centres = rows[torch.randint(len(rows), (1,))]
    while len(centres) < count and (far := _find_nearest(rows, centres)[0].square().cpu()).any():
        centres = torch.cat([centres, rows[torch.multinomial(far, 1).to(rows.device)]])
    for _ in range(ITERATIONS):
        owners = _find_nearest(rows, centres)[1]
        kept = [rows[owners == cell].mean(0) for cell in range(len(centres)) if bool((owners == cell).any())]
        centres = torch.stack(kept)
    return centres


def _find_nearest(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distance and the index of the nearest other row of each row."""
    found = [block.min(1) for _, block in iterate_square_distances(rows, others)]
    return torch.cat([each.values for each in found]).sqrt(), torch.cat([each.indices for each in found])


def _reduce(known: Tensor, *others: Tensor) -> list[Tensor]:
    """Project rows on the first principal components of the known ones, if they have more than 64 features."""
    if known.shape[1] <= DIMENSIONS:
        return [known, *others]
    mean = known.mean(0)
    vectors = torch.linalg.eigh((known - mean).T @ (known - mean)).eigenvectors[:, -DIMENSIONS:]
    return [(rows - mean) @ vectors for rows in (known, *others)]
