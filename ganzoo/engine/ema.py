"""The averaged generator: what a run samples from, packages and publishes."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn


class EMA:
    """An exponential moving average of a network's parameters; buffers (BatchNorm's statistics) are copied.

    Args:
        network: What is averaged.
        half_life: In images: after so many the weight of the past is one half. 0 for no averaging.
        ramp: The half-life is at most this share of the images seen so far; None for no ramp (Karras et al. 2020, ADA).
        shared: Tensors that the average keeps in common with the network: scheduled options.

    Attributes:
        numbers: What `update` reads where it is recorded: the weight of the present, a 0-dim tensor; empty else.
    """

    def __init__(
        self, network: nn.Module, half_life: float, ramp: float | None = None, shared: Iterable[Tensor] = ()
    ) -> None:
        self.half_life = half_life
        self.ramp = ramp
        self.network = copy.deepcopy(network, {id(tensor): tensor for tensor in shared}).eval().requires_grad_(False)
        self._source = network
        self._parameters = list[Tensor](self.network.parameters()), list[Tensor](network.parameters())
        self.numbers: list[Tensor] = []
        self._weight = 1.0

    def beta(self, num: float, images: int) -> float:
        """Return the weight of the past, ``0.5 ** (num / half-life)``, for an update that is `num` images long."""
        half_life = self.half_life if self.ramp is None else min(self.half_life, self.ramp * images)
        return 0.5 ** (num / half_life) if half_life > 0 else 0.0

    def make_recordable(self, device: torch.device) -> None:
        """Let `update` read its weight from a tensor from now on."""
        self.numbers = [torch.zeros((), dtype=torch.float64, device=device)]

    def make_eager(self) -> None:
        """Let it be a number again."""
        self.numbers = []

    def refill(self, num: float, images: int) -> None:
        """Set the weight of an update that is `num` images long, at `images` images."""
        self._weight = 1.0 - self.beta(num, images)
        for number in self.numbers:
            number.fill_(self._weight)

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the network as it is now."""
        average, current = self._parameters
        if self.numbers:
            for held, now in zip(average, current, strict=True):
                held.lerp_(now, self.numbers[0].to(held.dtype))
        else:
            torch._foreach_lerp_(average, current, self._weight)
        for held, buffer in zip(self.network.buffers(), self._source.buffers(), strict=True):
            held.copy_(buffer)
