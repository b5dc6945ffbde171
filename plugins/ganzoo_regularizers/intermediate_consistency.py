"""CAT's consistency: G's unfinished samples are near the finished one (Hyun et al. 2026)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import IntermediateConsistencyOptions


@dataclass(frozen=True)
class IntermediateConsistency:
    """weight sum_k E (x_k - shrink(x))^2 over the earlier stages x_k of the sample x (Hyun et al. 2026, CAT).

    The authors describe the final sample as the common anchor of all stages. What their description leaves open is
    chosen here: an image is shrunk to the size of a stage by averages over areas, a square is the mean over all numbers
    of a stage, and no gradient flows into x, so that the stages follow it.
    """

    options: IntermediateConsistencyOptions
    data: DataInfo

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        final = step.fake.detach()
        terms = [(stage - _shrink(final, stage)).square().mean() for stage in step.intermediates]
        return self.options.weight * torch.stack(terms).sum()


def _shrink(samples: Tensor, like: Tensor) -> Tensor:
    """Return samples in the size of others, ``[N, C, h, w]``; samples of the same shape are unchanged."""
    return samples if samples.shape == like.shape else adaptive_avg_pool2d(samples, (like.shape[2], like.shape[3]))
