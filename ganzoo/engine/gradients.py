"""The gradients of a part of a total batch, and their sum over all parts."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

Stats = dict[str, Tensor]  # an update's statistics by name, 0-dim tensors on the device; a tick fetches them


class Gradients(NamedTuple):
    """The gradients of a part of a total batch by one network.

    Args:
        values: The gradients, in the order of the network's trainable parameters; None for a parameter that the loss
            does not depend on.
        stats: The part's statistics, each multiplied by the part's share of the total batch.
        real_logits: D's logits of real samples, ``[n, P]``, where an augmentation adapts to them; else None.
    """

    values: list[Tensor | None]
    stats: Stats
    real_logits: Tensor | None = None

    def copy(self) -> Gradients:
        """Return a copy to sum in. The tensors of a recorded part are overwritten when it is replayed."""
        values = [None if gradient is None else torch.empty_like(gradient) for gradient in self.values]
        pairs = zip(values, self.values, strict=True)
        both = [(new, old) for new, old in pairs if new is not None and old is not None]
        if both:
            torch._foreach_copy_([new for new, _ in both], [old for _, old in both])
        stats = {name: value.clone() for name, value in self.stats.items()}
        return Gradients(values, stats, None if self.real_logits is None else self.real_logits.clone())

    def add(self, other: Gradients) -> Gradients:
        """Add the gradients of another part in place; return the sums."""
        pairs = list(zip(self.values, other.values, strict=True))
        both = [(one, two) for one, two in pairs if one is not None and two is not None]
        if both:
            torch._foreach_add_([one for one, _ in both], [two for _, two in both])
        values = [(None if two is None else two.clone()) if one is None else one for one, two in pairs]
        stats = {name: value + other.stats[name] for name, value in self.stats.items()}
        logits = [each for each in (self.real_logits, other.real_logits) if each is not None]
        return Gradients(values, stats, torch.cat(logits) if logits else None)
