"""Layers with an equalised learning rate (Karras, Aila, Laine & Lehtinen 2018, arXiv:1710.10196, section 4.1).

Weights are drawn from N(0, 1) and multiplied by He's constant c = gain / sqrt(fan_in) in each forward. Adam's steps do
not depend on a gradient's scale, so all layers change at the same relative speed.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F


class EqualisedLinear(nn.Linear):
    """``[..., inputs]`` to ``[..., outputs]``: y = x (c W)^T + b, W drawn from N(0, 1) and b = 0.

    Args:
        inputs: The number of features of an input.
        outputs: The number of features of an output.
        bias: Whether the layer has a bias.
        gain: The gain in c; sqrt(2) keeps the variance through a ReLU.
        rate: The layer's learning rate relative to the other layers', 0.01 in StyleGAN's mapping network (Karras et al.
            2019, arXiv:1812.04948, section C). W is drawn with standard deviation 1 / rate; W and b are multiplied by
            `rate` in each forward.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True, gain: float = 1.0, rate: float = 1.0) -> None:
        self.rate = rate
        super().__init__(inputs, outputs, bias)
        self.scale = rate * gain / math.sqrt(inputs)

    def reset_parameters(self) -> None:
        """Draw the weight anew; the bias becomes 0."""
        _draw(self.weight, self.bias, self.rate)

    def forward(self, input: Tensor) -> Tensor:
        """Return the outputs."""
        bias = self.bias if self.bias is None or self.rate == 1 else self.bias * self.rate
        return F.linear(input, self.weight * self.scale, bias)


class EqualisedConv2d(nn.Conv2d):
    """``[N, inputs, H, W]`` to ``[N, outputs, ...]``: a convolution by c W, W drawn from N(0, 1), and the bias 0.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        size: Height and width of the kernel, in pixels.
        stride: Stride of the convolution, in pixels.
        padding: Number of zeros on each side.
        bias: Whether the layer has a bias.
        gain: The gain in c = gain / sqrt(inputs size^2); sqrt(2) keeps the variance through a ReLU.
        rate: The layer's learning rate relative to the other layers', as in `EqualisedLinear`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        gain: float = 1.0,
        rate: float = 1.0,
    ) -> None:
        self.rate = rate
        super().__init__(inputs, outputs, size, stride, padding, bias=bias)
        self.scale = rate * gain / math.sqrt(inputs * size * size)

    def reset_parameters(self) -> None:
        """Draw the weight anew; the bias becomes 0."""
        _draw(self.weight, self.bias, self.rate)

    def forward(self, input: Tensor) -> Tensor:
        """Return the outputs."""
        bias = self.bias if self.bias is None or self.rate == 1 else self.bias * self.rate
        return F.conv2d(input, self.weight * self.scale, bias, self.stride, self.padding)


def _draw(weight: Tensor, bias: Tensor | None, rate: float) -> None:
    nn.init.normal_(weight, 0.0, 1 / rate)
    if bias is not None:
        nn.init.zeros_(bias)
