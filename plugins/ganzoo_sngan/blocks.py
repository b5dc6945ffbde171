"""The residual blocks of SNGAN, and their layers (Miyato et al. 2018, arXiv:1802.05957, appendix B.4).

`attention` is the last layer of a block. The 1x1 convolution of a shortcut is computed at the lower resolution, because
it commutes with the interpolation of pixels and with their mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeVar

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import ConditionalBatchNorm2d, convolve_and_pool, double_and_convolve

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)
Upsampling = Literal["nearest", "bilinear"]
Norm = Callable[[int], nn.Module]  # from a number of channels to their normalisation


class Up(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``: a block of G.

    Args:
        inputs, outputs: The numbers of channels.
        num_classes: The number of classes that the normalisations depend on; 0 for none.
        upsampling: How the resolution is doubled: each pixel repeated, or linear interpolation.
        attention: The last layer of the block: self-attention, or the identity.
    """

    def __init__(
        self, inputs: int, outputs: int, num_classes: int, upsampling: Upsampling, attention: nn.Module
    ) -> None:
        super().__init__()
        self.norm1 = ConditionalBatchNorm2d(inputs, num_classes)
        self.conv1 = make_convolution(inputs, outputs)
        self.norm2 = ConditionalBatchNorm2d(outputs, num_classes)
        self.conv2 = make_convolution(outputs, outputs)
        self.shortcut = initialise_layer(nn.Conv2d(inputs, outputs, 1))
        self.upsampling = upsampling
        self.attention = attention

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """Return the block's output."""
        y: Tensor = F.relu(self.norm1(x, labels))
        if self.upsampling == "nearest":
            y = double_and_convolve(y, self.conv1)  # [N, outputs, 2R, 2R]
        else:
            y = self.conv1(F.interpolate(y, scale_factor=2.0, mode=self.upsampling))
        y = self.conv2(F.relu(self.norm2(y, labels)))
        y = self.attention(y + F.interpolate(self.shortcut(x), scale_factor=2.0, mode=self.upsampling))
        return y


class FirstDown(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: D's first block, whose input is the image itself.

    Args:
        inputs, outputs: The numbers of channels.
        norm: The normalisation before the activation.
        short_norm: The normalisation before the 1x1 convolution of the shortcut.
        attention: The last layer of the block: self-attention, or the identity.
    """

    def __init__(self, inputs: int, outputs: int, norm: Norm, short_norm: Norm, attention: nn.Module) -> None:
        super().__init__()
        self.conv1 = make_convolution(inputs, outputs)
        self.norm1 = norm(outputs)
        self.conv2 = make_convolution(outputs, outputs)
        self.short_norm = short_norm(inputs)
        self.shortcut = initialise_layer(nn.Conv2d(inputs, outputs, 1))
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = convolve_and_pool(F.relu(self.norm1(self.conv1(x))), self.conv2)  # [N, outputs, R/2, R/2]
        y = self.attention(y + self.shortcut(self.short_norm(F.avg_pool2d(x, 2))))
        return y


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``, or at the same resolution: a block of D.

    Args:
        inputs, inner, outputs: The numbers of channels before, within and after the block.
        halves: Whether the block halves the resolution.
        norm: The normalisation before each activation.
        short_norm: The normalisation before the 1x1 convolution of the shortcut, if there is one.
        attention: The last layer of the block: self-attention, or the identity.
    """

    def __init__(
        self,
        inputs: int,
        inner: int,
        outputs: int,
        halves: bool,
        norm: Norm,
        short_norm: Norm,
        attention: nn.Module,
    ) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm(inputs), norm(inner)
        self.conv1 = make_convolution(inputs, inner)
        self.conv2 = make_convolution(inner, outputs)
        changes = halves or inputs != outputs
        self.short_norm = short_norm(inputs) if changes else nn.Identity()
        self.shortcut = initialise_layer(nn.Conv2d(inputs, outputs, 1)) if changes else nn.Identity()
        self.halves = halves
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = self.conv1(F.relu(self.norm1(x)))  # [N, inner, R, R]
        y, x = F.relu(self.norm2(y)), self.short_norm(x)
        if self.halves:
            x, y = F.avg_pool2d(x, 2), convolve_and_pool(y, self.conv2)  # [N, outputs, R/2, R/2]
        else:
            y = self.conv2(y)  # [N, outputs, R, R]
        y = self.attention(y + self.shortcut(x))
        return y


# ----------------------------------------------------------------------------
# Layers.


def make_convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 3x3 convolution of a residual branch. Its gain keeps the variance through a ReLU."""
    return initialise_layer(nn.Conv2d(inputs, outputs, 3, padding=1), math.sqrt(2.0))


def initialise_layer(layer: Layer, gain: float = 1.0) -> Layer:
    """Draw a layer's weight from Glorot's uniform distribution, set its bias to 0, and return the layer.

    Gulrajani et al. 2017 and Miyato et al. 2018 do so in their code, with a gain of sqrt(2) in the residual branches.
    """
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
