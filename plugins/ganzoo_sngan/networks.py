"""The residual networks of SNGAN (Miyato, Kataoka, Koyama & Yoshida 2018, arXiv:1802.05957, appendix B.4, tables 4-6).

With other options the same networks are those of WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028, appendix F), of the
cGAN with projection (Miyato & Koyama 2018, arXiv:1802.05637) and of SAGAN (Zhang et al. 2019, arXiv:1805.08318).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import ConditionalBatchNorm2d, ProjectionHead, SelfAttention2d, spectral_norm_all
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_sngan import SIZES, SNGANOptions

# The channels of both networks, in multiples of a width that is 64 in the papers: in G after the linear layer and after
# each block, in D after each block. The papers have no networks for 64 pixels; those of the authors' code are the
# networks for 128 pixels without the block that keeps the width.
MULTIPLES_G = {32: (4, 4, 4, 4), 48: (8, 4, 2, 1), 64: (16, 8, 4, 2, 1), 128: (16, 16, 8, 4, 2, 1)}
MULTIPLES_D = {32: (2, 2, 2, 2), 48: (1, 2, 4, 8, 16), 64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 16)}
HALVINGS = {32: 2, 48: 4, 64: 5, 128: 5}  # the number of D's blocks that halve the resolution: the first ones
Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


def build(options: SNGANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, their labels are not classes, or a
            resolution of ``options.attention`` does not exist in both networks.
    """
    if data.label_shape:
        raise UsageError(f"sngan takes classes as labels, not values of shape {data.label_shape}")
    if len(data.shape) != 3 or data.shape[1] != data.shape[2] or data.shape[1] not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise UsageError(f"sngan cannot build for shape {tuple(data.shape)}: give (C, S, S) with S one of {sizes}")
    channels, size, _ = data.shape
    check_attention(options.attention or (), size)
    return Networks(
        generator=Generator(channels, size, options, data.num_classes),
        discriminator=Discriminator(channels, size, options, data.num_classes),
        latent_dim=options.z_dim,
        latent="normal",
    )


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, size, size]`` in [-1, 1].

    Args:
        channels: The number of channels of the image.
        size: The height and width of the image in pixels, one of `SIZES`.
        options: The options of the architecture.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The gain and
            the bias of each batch normalisation in a block depend on the class.
    """

    def __init__(self, channels: int, size: int, options: SNGANOptions, num_classes: int = 0) -> None:
        super().__init__()
        widths = [multiple * options.width_g for multiple in MULTIPLES_G[size]]
        self.lowest = size >> (len(widths) - 1)  # pixels: 4, or 6 for images of 48
        self.first = initialise_layer(nn.Linear(options.z_dim, widths[0] * self.lowest**2))
        self.blocks = nn.ModuleList()
        for level, (inputs, outputs) in enumerate(pairwise(widths), 1):
            self.blocks.append(Up(inputs, outputs, num_classes, make_attention(self.lowest << level, outputs, options)))
        self.norm = nn.BatchNorm2d(widths[-1])
        self.last = initialise_layer(nn.Conv2d(widths[-1], channels, 3, padding=1))
        if options.spectral_g:  # SAGAN, section 4.1
            spectral_norm_all(self)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected."""
        x = self.first(z).view(len(z), -1, self.lowest, self.lowest)  # [N, C, 4, 4]
        for block in self.blocks:
            x = block(x, labels)  # [N, C', 2R, 2R]
        return torch.tanh(self.last(F.relu(self.norm(x))))  # [N, channels, size, size]


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` in [-1, 1] to logits ``[N]``.

    Args:
        channels, size, options: As in the generator.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The head adds
            the inner product of the features and the label's embedding (Miyato & Koyama 2018, eq. 3).
    """

    def __init__(self, channels: int, size: int, options: SNGANOptions, num_classes: int = 0) -> None:
        super().__init__()
        widths = [multiple * options.width_d for multiple in MULTIPLES_D[size]]
        self.pooling = options.pooling
        self.blocks = nn.Sequential(FirstDown(channels, widths[0], make_attention(size // 2, widths[0], options)))
        for level, (inputs, outputs) in enumerate(pairwise(widths), 2):
            halves = level <= HALVINGS[size]
            attention = make_attention(size >> level, outputs, options) if halves else nn.Identity()
            self.blocks.append(Down(inputs, outputs, halves, options.norm_d == "layer", attention))
        self.head = ProjectionHead(widths[-1], num_classes)
        initialise_layer(self.head.psi)
        if options.norm_d == "spectral":
            spectral_norm_all(self, kinds=(nn.Linear, nn.Conv2d, nn.Embedding))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of images `x`; raise ValueError if labels are missing or unexpected."""
        x = F.relu(self.blocks(x))  # [N, C, R, R]
        features = x.sum((2, 3)) if self.pooling == "sum" else x.mean((2, 3))  # [N, C]
        logits: Tensor = self.head(features, labels)
        return logits  # [N]


# ----------------------------------------------------------------------------
# Residual blocks, with `attention` as their last layer. The shortcut's 1x1 convolution is computed at the lower
# resolution, because it commutes with repeating pixels and with their mean.


class Up(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``, by repeating each pixel.

    The normalisations depend on the class of the label if `num_classes` is not 0.
    """

    def __init__(self, inputs: int, outputs: int, num_classes: int, attention: nn.Module) -> None:
        super().__init__()
        self.norm1 = ConditionalBatchNorm2d(inputs, num_classes)
        self.conv1 = make_convolution(inputs, outputs)
        self.norm2 = ConditionalBatchNorm2d(outputs, num_classes)
        self.conv2 = make_convolution(outputs, outputs)
        self.shortcut = initialise_layer(nn.Conv2d(inputs, outputs, 1))
        self.attention = attention

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """Return the block's output."""
        y: Tensor = double_and_convolve(F.relu(self.norm1(x, labels)), self.conv1)  # [N, outputs, 2R, 2R]
        y = self.conv2(F.relu(self.norm2(y, labels)))
        y = self.attention(y + F.interpolate(self.shortcut(x), scale_factor=2.0, mode="nearest"))
        return y


class FirstDown(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: D's first block, whose input is the image itself."""

    def __init__(self, inputs: int, outputs: int, attention: nn.Module) -> None:
        super().__init__()
        self.conv1 = make_convolution(inputs, outputs)
        self.conv2 = make_convolution(outputs, outputs)
        self.shortcut = initialise_layer(nn.Conv2d(inputs, outputs, 1))
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = convolve_and_pool(F.relu(self.conv1(x)), self.conv2)  # [N, outputs, R/2, R/2]
        y = self.attention(y + self.shortcut(F.avg_pool2d(x, 2)))
        return y


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``, or at the same resolution: a block of D.

    With `layer_norm`, each activation follows a normalisation over all numbers of a sample (Ba et al. 2016,
    arXiv:1607.06450), as Gulrajani et al. 2017 recommend with their penalty.
    """

    def __init__(self, inputs: int, outputs: int, halves: bool, layer_norm: bool, attention: nn.Module) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.GroupNorm(1, inputs) if layer_norm else nn.Identity() for _ in range(2))
        self.conv1 = make_convolution(inputs, inputs)
        self.conv2 = make_convolution(inputs, outputs)
        changes = halves or inputs != outputs
        self.shortcut = initialise_layer(nn.Conv2d(inputs, outputs, 1)) if changes else nn.Identity()
        self.halves = halves
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = self.conv1(F.relu(self.norm1(x)))  # [N, inputs, R, R]
        y = F.relu(self.norm2(y))
        if self.halves:
            x, y = F.avg_pool2d(x, 2), convolve_and_pool(y, self.conv2)  # [N, outputs, R/2, R/2]
        else:
            y = self.conv2(y)  # [N, outputs, R, R]
        y = self.attention(y + self.shortcut(x))
        return y


# ----------------------------------------------------------------------------
# Parts of the networks.


def convolve_and_pool(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Return the means of 2x2 pixels of ``conv(x)``, ``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``, for 3x3 kernels.

    The mean of four shifted 3x3 kernels is one 4x4 kernel with a stride of 2, which needs 4/9 of the multiplications.
    """
    return F.conv2d(x, average_shifts(conv.weight), conv.bias, stride=2, padding=1)


def double_and_convolve(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Return ``conv`` of `x` with each pixel repeated, ``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``, for 3x3 kernels.

    The convolution is the transpose of one as in `convolve_and_pool`, except for a factor of 4.
    """
    kernel = 4 * average_shifts(conv.weight.flip(2, 3)).transpose(0, 1)  # [inputs, outputs, 4, 4]
    return F.conv_transpose2d(x, kernel, conv.bias, stride=2, padding=1)


def average_shifts(kernel: Tensor) -> Tensor:
    """Return the mean ``[A, B, 4, 4]`` of kernels ``[A, B, 3, 3]`` that are shifted by 0 or 1 in both directions."""
    return F.avg_pool2d(kernel, 2, stride=1, padding=1)


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


def make_attention(resolution: int, channels: int, options: SNGANOptions) -> nn.Module:
    """Return self-attention if the options want it at a resolution, otherwise the identity."""
    if resolution not in (options.attention or ()):
        return nn.Identity()
    attention = SelfAttention2d(channels)
    for layer in (attention.theta, attention.phi, attention.g, attention.o):
        initialise_layer(layer)
    return attention


def check_attention(resolutions: tuple[int, ...], size: int) -> None:
    """Raise UsageError if a resolution does not exist inside both networks for images of `size` pixels."""
    possible = [size >> level for level in range(1, 8) if size >> level >= 8]
    for resolution in resolutions:
        if resolution not in possible:
            raise UsageError(
                f"arch.attention={resolution} is not a resolution inside networks for images of {size} pixels: give "
                f"{' or '.join(map(str, possible))}"
            )
