"""R3GAN that preserves magnitudes (Karras et al. 2024, EDM2, arXiv:2312.02696, sections 2 and 4 and appendix B).

The networks are those of `r3gan` with what made EDM2 of a diffusion model: normalised weights (`ganzoo_r3gan.unit`),
sums that keep the variance, a constant channel in place of all biases, and a learnt gain at the end. Initial scales
that depend on the depth are not needed then. As in R3GAN, features are never normalised.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import downsample, require_labels, upsample
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks
from ganzoo_r3gan import R3GANMPOptions
from ganzoo_r3gan.networks import SLOPE, build_both
from ganzoo_r3gan.unit import UnitBasis, UnitConv2d, UnitEmbedding, UnitLinear

GAIN = math.sqrt(2 / (1 + SLOPE**2))  # after a leaky ReLU of N(0, 1), whose mean square is (1 + slope^2) / 2


def build(options: R3GANMPOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes; raise UsageError as `r3gan` does."""
    return build_both("r3gan-mp", Generator, Discriminator, options, data)


class Generator(nn.Module):
    """z to images, with the shapes and arguments of `r3gan`'s generator."""

    def __init__(self, channels: int, widths: list[int], options: R3GANMPOptions, num_classes: int = 0) -> None:
        super().__init__()
        self.embedding = UnitEmbedding(num_classes, options.class_dim) if num_classes else None
        self.linear = UnitLinear(options.z_dim + (options.class_dim if num_classes else 0) + 1, widths[0])
        self.basis = UnitBasis(widths[0])
        layers: list[nn.Module] = []
        for level, width in enumerate(widths):
            if level:
                layers.append(Up(widths[level - 1], width))
            layers += [Block(width, options) for _ in range(options.blocks)]
        self.stages = nn.Sequential(*layers)
        self.last = UnitConv2d(widths[-1], channels)
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels, self.embedding is not None)
        if self.embedding is not None and labels is not None:
            z = torch.cat([z, self.embedding(labels)], dim=1)
        x: Tensor = self.linear(append_ones(z))[:, :, None, None] * self.basis(4.0)  # [N, widths[0], 4, 4]
        x = self.stages(x)  # [N, widths[-1], S, S]
        x = self.last(x, self.gain)  # [N, channels, S, S]
        return x


class Discriminator(nn.Module):
    """Images ``[N, channels, S, S]`` to logits ``[N]``: the generator mirrored; features and embedding as in `r3gan`.

    Args:
        channels, widths, options: As in the generator of `r3gan`.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The logit is
            the inner product of the image's features and the label's embedding, unless ``options.projection`` is false.
    """

    def __init__(self, channels: int, widths: list[int], options: R3GANMPOptions, num_classes: int = 0) -> None:
        super().__init__()
        self.projection = options.projection
        num_classes = num_classes if options.projection else 0
        self.first = UnitConv2d(channels + 1, widths[-1])
        layers: list[nn.Module] = []
        for level, width in reversed(list(enumerate(widths))):
            layers += [Block(width, options) for _ in range(options.blocks)]
            if level:
                layers.append(Down(width, widths[level - 1]))
        self.stages = nn.Sequential(*layers)
        self.basis = UnitBasis(widths[0])
        self.linear = UnitLinear(widths[0], widths[0] if num_classes else 1)
        self.embedding = UnitEmbedding(num_classes, widths[0]) if num_classes else None
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the output for images `x`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels if self.projection else None, self.embedding is not None)
        x = self.first(append_ones(x))  # [N, widths[-1], S, S]
        x = self.stages(x)  # [N, widths[0], 4, 4]
        embedding = (x * self.basis()).sum((2, 3))  # [N, widths[0]]
        y = self.linear(embedding, self.gain)  # [N, widths[0]] or [N, 1]
        if self.embedding is not None and labels is not None:
            y = y * self.embedding(labels) / math.sqrt(y.shape[1])
        return DiscriminatorOutput(y.sum(1), features=[x], embedding=embedding)


# ----------------------------------------------------------------------------
# Parts of both networks.


class Block(nn.Module):
    """``((1 - t) x + t W3 act(W2 act(W1 x))) / sqrt((1 - t)^2 + t^2)`` on ``[N, width, R, R]``, t being the option.

    The division keeps the variance of a sum of two uncorrelated tensors of variance 1.
    """

    def __init__(self, width: int, options: R3GANMPOptions) -> None:
        super().__init__()
        inner, t = width * options.expansion, options.residual
        self.first = UnitConv2d(width, inner)
        self.grouped = UnitConv2d(inner, inner, 3, groups=inner // options.group_width)
        self.last = UnitConv2d(inner, width)
        self.kept, self.added = (share / math.hypot(1 - t, t) for share in (1 - t, t))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, of the shape of `x`."""
        y = F.leaky_relu(self.first(x), SLOPE, inplace=True)  # [N, width * expansion, R, R]
        y = F.leaky_relu(self.grouped(y, GAIN), SLOPE, inplace=True)
        return torch.add(self.last(y, GAIN * self.added), x, alpha=self.kept)


class Up(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``: a 1x1 convolution if the width changes, then interpolation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Identity() if inputs == outputs else UnitConv2d(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` at twice its resolution."""
        return upsample(self.conv(x), taps=3)


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: a low-pass filter, then a convolution if the width changes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Identity() if inputs == outputs else UnitConv2d(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` at half its resolution."""
        x = self.conv(downsample(x, taps=3))  # [N, outputs, R/2, R/2]
        return x


def append_ones(x: Tensor) -> Tensor:
    """Return ``x [N, C, ...]`` with a channel of ones appended, which takes the place of biases."""
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
