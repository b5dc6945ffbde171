"""The Vendi score: how many different samples there are, as a number of equally frequent ones."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, NoOptions


class Vendi:
    """The exponential of the entropy of the eigenvalues of ``K / n``, where K has the cosines of all pairs of samples.

    Friedman & Dieng 2022 (arXiv:2210.02410), definition 3.1. It is 1 for copies of one sample, and n for n orthogonal
    ones. The eigenvalues above 0 are those of the mean outer product ``[F, F]`` of the normalised features, so no
    samples are kept.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.products: dict[str, Tensor] = {}

    def real(self, batch: Mapping[str, Tensor]) -> None:
        """Add features of real samples, ``[n, F]``."""
        self._add("real", batch["features"])

    def fake(self, batch: Mapping[str, Tensor]) -> None:
        """Add features of generated samples, ``[n, F]``."""
        self._add("fake", batch["features"])

    def compute(self) -> dict[str, float]:
        """Return ``vendi`` of the generated samples, and ``real`` of the real ones.

        Raises:
            ValueError: A side has no samples.
        """
        if len(self.products) < 2:
            raise ValueError("it needs real and generated samples")
        return {"vendi": compute_score(self.products["fake"]), "real": compute_score(self.products["real"])}

    def _add(self, side: str, features: Tensor) -> None:
        rows = torch.nn.functional.normalize(features.detach().double())
        products = rows.T @ rows
        self.products[side] = self.products[side] + products if side in self.products else products


def compute_score(products: Tensor) -> float:
    """Return the score of samples from the sum of the outer products ``[F, F]`` of their normalised features."""
    values = torch.linalg.eigvalsh(products).clamp(min=0)
    shares = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    return float(torch.special.entr(shares).sum().exp())
