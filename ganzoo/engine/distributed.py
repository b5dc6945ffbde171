"""Several processes that train one GAN: each a slice of every batch, their gradients summed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from ganzoo.engine.update import Gradients


@dataclass(frozen=True)
class World:
    """The processes of a run.

    Args:
        rank: This one's number.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    def total(self, gradients: Gradients) -> Gradients:
        """Return the sum of all ranks' gradients."""
        return gradients

    def whole(self, logits: Tensor) -> Tensor:
        """Return all ranks' logits, through which gradients flow."""
        return logits

    def gather(self, values: Tensor) -> Tensor:
        """Return all ranks' values, in their order."""
        return values


ALONE = World()
