"""Resampling: samples that a conditional run draws more often than others, so that it learns rare labels too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ganzoo.errors import GanzooError


@dataclass(frozen=True)
class Resampling:
    """How the updates of a conditional run draw samples, with replacement, and their labels.

    Args:
        weights: How often each stored sample is drawn, in proportion to the others, float64 ``[N]`` on the CPU.
        condition: The function that makes a batch's labels from its samples, as `ArraySource.condition`.
    """

    weights: torch.Tensor
    condition: Any

    def compute_limits(self, index: torch.Tensor | None) -> torch.Tensor:
        """Return the sums of the weights of the first samples, for `draw_numbers`: float64 ``[n]`` on the CPU.

        Args:
            index: The positions of the samples that belong to the source, int64 ``[n]``; None for all.
        """
        return (self.weights if index is None else self.weights[index.cpu()]).cumsum(0)


def draw_numbers(limits: torch.Tensor, generator: torch.Generator, num: int) -> torch.Tensor:
    """Return the numbers of `num` samples, int64 ``[num]`` on the CPU; each is as likely as its weight says.

    Args:
        limits: The result of `Resampling.compute_limits`.
        generator: A seeded generator of the CPU.
        num: The number of samples that are drawn.
    """
    drawn = torch.rand(num, generator=generator, dtype=torch.float64) * limits[-1]
    return torch.searchsorted(limits, drawn, right=True).clamp_(max=len(limits) - 1)


def read_resampling(dataset: Any, count: int, name: str) -> Resampling | None:
    """Return how a dataset's object wants its samples to be drawn; None if all are alike.

    Args:
        dataset: The object that the factory returned.
        count: The number of its samples.
        name: The dataset's name, for messages.

    Raises:
        GanzooError: Weights are not numbers from 0 for each sample.
    """
    wanted = getattr(dataset, "resampling", None)
    if wanted is None:
        return None
    weights = torch.as_tensor(wanted.weights, dtype=torch.float64)
    if weights.shape != (count,) or not bool((weights >= 0).all()) or not 0 < float(weights.sum()) < float("inf"):
        raise GanzooError(
            f"dataset {name!r} has resampling.weights {list(weights.shape)}: it must have a finite number from 0 for "
            f"each of its {count} samples, not all of them 0"
        )
    return Resampling(weights, wanted.condition)
