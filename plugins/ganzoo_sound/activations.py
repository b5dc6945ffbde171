"""Activations for sounds."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Activation = Literal["leaky-relu", "snake", "snakebeta"]
EPS = 1e-9


class Snake(nn.Module):
    """x + sin(a x)^2 / b for maps ``[N, C, T]``, with numbers a and b of each channel, which are trained.

    Sources: Ziyin, Hartwig & Ueda 2020, Neural Networks Fail to Learn Periodic Functions and How to Fix It,
    arXiv:2006.08195, where b = a (Snake); Lee et al. 2022, BigVGAN, arXiv:2206.04658, where a and b are separate
    (SnakeBeta) and their logarithms are trained. Here it is not filtered against aliasing, as it is in BigVGAN.

    Args:
        channels: The number of channels C.
        separate: Whether b is separate from a.
    """

    def __init__(self, channels: int, separate: bool) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels, 1))  # logarithms
        self.beta = nn.Parameter(torch.zeros(channels, 1)) if separate else None

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        frequency = self.alpha.exp()
        height = frequency if self.beta is None else self.beta.exp()
        return x + (x * frequency).sin().square() / (height + EPS)


def make_activation(name: Activation, channels: int, slope: float) -> nn.Module:
    """Return an activation for maps of `channels` channels; `slope` is that of ``leaky-relu`` below zero."""
    return nn.LeakyReLU(slope) if name == "leaky-relu" else Snake(channels, name == "snakebeta")
