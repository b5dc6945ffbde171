"""The Vendi score: how many different samples there are, as a number of equally frequent ones."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo
from ganzoo_metrics.kept import KeptFeatures
from ganzoo_metrics.options import VendiOptions


class Vendi(KeptFeatures):
    """The exponential of the entropy of the eigenvalues of ``K / n``, where K has the cosines of all pairs of samples.

    Friedman & Dieng 2022 (arXiv:2210.02410), definition 3.1. It is 1 for copies of one sample, and n for n orthogonal
    ones. Cosines are of the directions from the mean of the real features. About the origin, as published values have
    them (`centred=False`), features that are all positive, as after a ReLU, have cosines near 1 for any two images, and
    the score is near 1 too. The eigenvalues above 0 are those of the mean outer product ``[F, F]`` of the normalised
    features.
    """

    def __init__(self, options: VendiOptions, data: DataInfo) -> None:
        self.centred = options.centred
        super().__init__()

    def compute(self) -> dict[str, float]:
        """Return ``vendi`` of the generated samples, and ``real`` of the real ones.

        Raises:
            ValueError: A side has no samples.
        """
        real, fake = self.join_sides(1)
        centre = real.mean(0) if self.centred else torch.zeros_like(real[0])
        return {"vendi": compute_score(fake - centre), "real": compute_score(real - centre)}


def compute_score(rows: Tensor) -> float:
    """Return the score of samples from their features ``[n, F]``."""
    rows = torch.nn.functional.normalize(rows)
    values = torch.linalg.eigvalsh(rows.T @ rows).clamp(min=0)
    shares = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    return float(torch.special.entr(shares).sum().exp())
