"""Metrics of a classifier's probabilities: inception score and shares of classes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, NoOptions
from ganzoo_metrics.options import InceptionScoreOptions


class InceptionScore:
    """``exp(E KL(p(y|x) || p(y)))`` of generated samples: 1 for samples of one class, up to the number of classes.

    Salimans et al. 2016 (arXiv:1606.03498), section 4. The score is the mean over equal parts of the samples, whose
    mean probabilities are p(y). It is the known score only with Inception's probabilities, and 10 parts of 5,000.
    """

    def __init__(self, options: InceptionScoreOptions, data: DataInfo) -> None:
        self.splits = options.splits
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.kept: list[Tensor] = []

    def real(self, batch: Mapping[str, Tensor]) -> None:
        """Ignore real samples."""

    def fake(self, batch: Mapping[str, Tensor]) -> None:
        """Add probabilities of generated samples, ``[n, K]``."""
        self.kept.append(batch["probabilities"].detach())

    def compute(self) -> dict[str, float]:
        """Return ``is``, and ``std``, the standard deviation over the parts.

        Raises:
            ValueError: There are fewer samples than parts.
        """
        num = sum(len(batch) for batch in self.kept)
        if num < self.splits:
            raise ValueError(f"it divides the samples into {self.splits} parts, and there are only {num} samples")
        rows = torch.cat(self.kept).double()
        edges = [part * num // self.splits for part in range(self.splits + 1)]
        scores = torch.stack([_score(rows[start:end]) for start, end in pairwise(edges)])
        return {"is": float(scores.mean()), "std": float(scores.std(correction=0))}


def _score(rows: Tensor) -> Tensor:
    """Return the exponential of the mean divergence of rows ``[n, K]`` from their mean."""
    divergences: Tensor = torch.special.xlogy(rows, rows) - torch.special.xlogy(rows, rows.mean(0))
    return divergences.sum(1).mean().exp()


class ClassShares:
    """The shares of the classes that a classifier finds in the generated samples, beside those in the real samples.

    - ``kl``: the Kullback-Leibler divergence of the generated shares from the real ones, in nats. For equal
      distributions of K classes, N real and M generated samples it is about ``(K - 1) / 2 (1 / N + 1 / M)``. A class
      without real samples counts as half a sample.
    - ``missing``: real classes of which there is less than a tenth of their share. A classifier's mistakes make some
      samples of every class, so that the share of a missing class is rarely 0.
    - ``least``: the smallest share of a class in multiples of its real share.
    - ``found``: classes of which there is a generated sample; ``kl-equal``: the divergence of the generated shares from
      equal ones, at least about ``(K - 1) / (2 M)``. StackedMNIST is scored by these two (Metz et al. 2016,
      arXiv:1611.02163, section 3.3.1; Lin et al. 2018, arXiv:1712.04086), as "modes" and "KL", with M = 26,000.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.counts: dict[str, Tensor] = {}

    def real(self, batch: Mapping[str, Tensor]) -> None:
        """Add probabilities of real samples, ``[n, K]``."""
        self._add("real", batch["probabilities"])

    def fake(self, batch: Mapping[str, Tensor]) -> None:
        """Add probabilities of generated samples, ``[n, K]``."""
        self._add("fake", batch["probabilities"])

    def compute(self) -> dict[str, float]:
        """Return the values by name; raise ValueError if a side has no samples."""
        if len(self.counts) < 2:
            raise ValueError("it needs real and generated samples")
        real, fake = (self.counts[side] / self.counts[side].sum() for side in ("real", "fake"))
        floor = 0.5 / self.counts["real"].sum()
        ratios = (fake / real)[real > 0]
        return {
            "kl": float(torch.special.xlogy(fake, fake / real.clamp(min=floor)).sum()),
            "missing": float((ratios < 0.1).sum()),
            "least": float(ratios.min()),
            "found": float((fake > 0).sum()),
            "kl-equal": float(torch.special.xlogy(fake, fake * len(fake)).sum()),
        }

    def _add(self, side: str, probabilities: Tensor) -> None:
        counts = torch.bincount(probabilities.argmax(1), minlength=probabilities.shape[1]).double()
        self.counts[side] = self.counts[side] + counts if side in self.counts else counts
