"""How the weights of a network move: the length of the steps, and how much of the way leads anywhere."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

CHOSEN = 1 << 18  # weights of a network, evenly chosen, whose path is followed


class Movement:
    """The path of a network's weights, measured at some moments of this session of a run.

    Args:
        weights: The parameters of the network. Of a large network some are followed, evenly chosen.
    """

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self.weights = [weight.detach() for weight in weights]
        self.stride = max(1, -(-sum(weight.numel() for weight in self.weights) // CHOSEN))
        self.start = self.last = self._choose()
        self.length = torch.zeros((), device=self.start.device)  # of the path

    @torch.no_grad()
    def measure(self, updates: int) -> dict[str, Tensor]:
        """Measure the way since the last call; return 0-dim tensors by name.

        Args:
            updates: The number of updates since the last call.

        Returns:
            ``norm`` of all weights; ``step``, the norm of the change for each update divided by the norm of the
            weights; and ``travel``, the norm of the whole change divided by the length of the path.
        """
        now = self._choose()
        change = torch.linalg.vector_norm(now - self.last)
        self.last, self.length = now, self.length + change
        return {
            "norm": torch.linalg.vector_norm(torch.stack(torch._foreach_norm(self.weights))),
            "step": change / (max(updates, 1) * torch.linalg.vector_norm(now)),
            "travel": torch.linalg.vector_norm(now - self.start) / self.length,
        }

    def _choose(self) -> Tensor:
        """Return every `stride`-th weight of each tensor, in one tensor."""
        return torch.cat([_flatten(weight)[:: self.stride] for weight in self.weights]).float().clone()


def _flatten(weight: Tensor) -> Tensor:
    """Return a tensor's numbers in the order of its memory, without a copy."""
    dense = weight.is_contiguous() or (weight.dim() == 4 and weight.is_contiguous(memory_format=torch.channels_last))
    return weight.as_strided((weight.numel(),), (1,)) if dense else weight.reshape(-1)
