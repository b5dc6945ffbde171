"""The averaged generator, which a run samples from, packages and publishes."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn


class EMA:
    """An exponential moving average of a network's parameters; buffers (BatchNorm's statistics) are copied.

    Args:
        network: The network that is averaged.
        half_life: The number of images after which the weight of the past is one half; 0 for no average.
        ramp: The half-life is at most this share of the images seen so far (Karras et al. 2020, ADA); None for no ramp.
        shared: Tensors that the average shares with the network: those of scheduled options.

    Attributes:
        network: The averaged network, in eval mode.
        numbers: The tensors that `update` reads where it is recorded: the weight of the present network, 0-dim. Empty
            where it is not recorded.
    """

    def __init__(
        self, network: nn.Module, half_life: float, ramp: float | None = None, shared: Iterable[Tensor] = ()
    ) -> None:
        self.half_life = half_life
        self.ramp = ramp
        self.network = copy.deepcopy(network, {id(tensor): tensor for tensor in shared}).eval().requires_grad_(False)
        self._source = network
        self._parameters = _group(self.network.parameters(), network.parameters())
        self.numbers: list[Tensor] = []
        self._weight = 1.0

    def beta(self, num: float, images: int) -> float:
        """Return the weight of the past in an update of `num` images: ``0.5 ** (num / half-life)``."""
        half_life = self.half_life if self.ramp is None else min(self.half_life, self.ramp * images)
        return 0.5 ** (num / half_life) if half_life > 0 else 0.0

    def make_recordable(self, device: torch.device) -> None:
        """Make `update` read its weight from a tensor from now on, so that it can be recorded."""
        self.numbers = [torch.zeros((), dtype=torch.float64, device=device)]

    def make_eager(self) -> None:
        """Make `update` read its weight from a number again."""
        self.numbers = []

    def refill(self, num: float, images: int) -> None:
        """Set the weight for the next update, of `num` images, after `images` images seen."""
        self._weight = 1.0 - self.beta(num, images)
        for number in self.numbers:
            number.fill_(self._weight)

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the present network."""
        for average, current in self._parameters:
            if self.half_life == 0:
                torch._foreach_copy_(average, current)
            elif self.numbers:  # `_foreach_lerp_` takes no weight from a tensor
                steps = torch._foreach_sub(current, average)
                torch._foreach_mul_(steps, self.numbers[0].to(average[0].dtype))
                torch._foreach_add_(average, steps)
            else:
                torch._foreach_lerp_(average, current, self._weight)
        for average, current in _group(self.network.buffers(), self._source.buffers()):
            torch._foreach_copy_(average, current)


def _group(averages: Iterable[Tensor], currents: Iterable[Tensor]) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Return tensors and their averages, for each dtype apart: torch has one kernel for tensors of one dtype."""
    groups: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for average, current in zip(averages, currents, strict=True):
        for tensors, tensor in zip(groups.setdefault(average.dtype, ([], [])), (average, current), strict=True):
            tensors.append(tensor)
    return list(groups.values())
