"""What a part of a total batch asks of a network, and the sum of what all parts ask."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

Stats = dict[str, Tensor]  # 0-dim tensors on the device: what an update measured; fetched once a tick, never here


class Gradients(NamedTuple):
    """What a part asks of a network.

    Args:
        of: In the order of its trainable parameters; None where the loss does not depend on one.
        stats: What was measured, each counted for the part's share of the total batch.
        real_logits: ``[n, P]``, D's answers to real samples, where augmentations go by them.
    """

    of: list[Tensor | None]
    stats: Stats
    real_logits: Tensor | None = None

    def copy(self) -> Gradients:
        """Return a copy to add up in: of a recorded part, the tensors are overwritten when it is replayed."""
        of = [None if gradient is None else torch.empty_like(gradient) for gradient in self.of]
        both = [(mine, its) for mine, its in zip(of, self.of, strict=True) if mine is not None and its is not None]
        if both:
            torch._foreach_copy_([mine for mine, _ in both], [its for _, its in both])
        stats = {name: value.clone() for name, value in self.stats.items()}
        return Gradients(of, stats, None if self.real_logits is None else self.real_logits.clone())

    def plus(self, other: Gradients) -> Gradients:
        """Return the gradients of two parts together; this one's tensors, which are its own, hold the sums."""
        pairs = list(zip(self.of, other.of, strict=True))
        both = [(mine, its) for mine, its in pairs if mine is not None and its is not None]
        if both:
            torch._foreach_add_([mine for mine, _ in both], [its for _, its in both])
        of = [(None if its is None else its.clone()) if mine is None else mine for mine, its in pairs]
        stats = {name: value + other.stats[name] for name, value in self.stats.items()}
        said = [logits for logits in (self.real_logits, other.real_logits) if logits is not None]
        return Gradients(of, stats, torch.cat(said) if said else None)
