"""The two networks of ProGAN (Karras, Aila, Laine & Lehtinen 2018, arXiv:1710.10196, appendix A, table 2).

They have their full size from the start. In the paper they grow with the resolution. Karras et al. 2020
(arXiv:1912.04958, section 4) find that growth fixes details to positions in the image, and that it is not needed: a
network that is trained at full size also learns low resolutions first.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import (
    EqualisedConv2d,
    EqualisedLinear,
    downsample,
    minibatch_deviation,
    pixel_norm,
    require_labels,
    upsample,
)
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_progan import SIZES, ProGANOptions

SLOPE = 0.2  # of the leaky ReLU below 0
GAIN = math.sqrt(2.0)  # of He's constant, for layers before a leaky ReLU


def build(options: ProGANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, or they have labels.
    """
    if data.labelled:
        raise UsageError("progan takes no labels: remove --conditional, or choose --arch stylegan2")
    size = data.shape[-1]
    if len(data.shape) != 3 or data.shape[1] != size or size not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise UsageError(f"progan cannot build for shape {tuple(data.shape)}: give (C, S, S) with S one of {sizes}")
    widths = choose_widths(options, size)
    return Networks(
        generator=Generator(data.shape[0], widths, options.z_dim, options.position_bias),
        discriminator=Discriminator(data.shape[0], widths),
        latent_dim=options.z_dim,
        latent="normal",
    )


def choose_widths(options: ProGANOptions, size: int) -> list[int]:
    """Return the numbers of channels at 4, 8, ..., `size` pixels."""
    resolutions = [4 << level for level in range(size.bit_length() - 2)]
    return [max(8, min(options.channel_base // resolution, options.channel_max)) for resolution in resolutions]


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, S, S]``, which only training brings to [-1, 1].

    Args:
        channels: The number of channels of the image.
        widths: The numbers of channels at resolutions 4, 8, ..., S.
        z_dim: The length of z. Only its direction matters: z is normalised to a point on a sphere.
        position_bias: Whether the first layer has a bias for each position of 4x4, not one for each channel.
    """

    def __init__(self, channels: int, widths: list[int], z_dim: int, position_bias: bool = False) -> None:
        super().__init__()
        # the table's convolution by 4x4 of a map of one pixel: each position of 4x4 has weights of its own
        self.first = EqualisedLinear(z_dim, 16 * widths[0], bias=False, gain=GAIN / 4)
        self.bias = nn.Parameter(torch.zeros(widths[0], *[4, 4] * position_bias))
        self.conv = make_convolution(widths[0], widths[0])
        self.blocks = nn.Sequential(*(Up(inputs, outputs) for inputs, outputs in pairwise(widths)))
        self.last = EqualisedConv2d(widths[-1], channels, 1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; raise ValueError if there are labels."""
        require_labels(labels, False)
        bias = self.bias if self.bias.dim() == 3 else self.bias[:, None, None]
        x = self.first(pixel_norm(z)).view(z.shape[0], -1, 4, 4) + bias  # [N, widths[0], 4, 4]
        x = normalise(self.conv(normalise(x)))
        images: Tensor = self.last(self.blocks(x))  # [N, channels, S, S]
        return images


class Discriminator(nn.Module):
    """Images ``[N, channels, S, S]`` to logits ``[N]``: the generator mirrored; with features and an embedding.

    The features are the maps ``[N, widths[0], 4, 4]``, of which a layer makes the embedding ``[N, widths[0]]``.

    Args:
        channels, widths: As in the generator.
    """

    def __init__(self, channels: int, widths: list[int]) -> None:
        super().__init__()
        self.first = EqualisedConv2d(channels, widths[-1], 1, gain=GAIN)
        self.blocks = nn.Sequential(*(Down(inputs, outputs) for inputs, outputs in pairwise(reversed(widths))))
        self.conv = make_convolution(widths[0] + 1, widths[0])
        self.linear = EqualisedLinear(16 * widths[0], widths[0], gain=GAIN)
        self.last = EqualisedLinear(widths[0], 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the logits of images `x`; raise ValueError if there are labels."""
        require_labels(labels, False)
        x = self.blocks(activate(self.first(x)))  # [N, widths[0], 4, 4]
        x = activate(self.conv(minibatch_deviation(x, group=len(x))))
        embedding = activate(self.linear(x.flatten(1)))  # [N, widths[0]]
        return DiscriminatorOutput(self.last(embedding).squeeze(1), features=[x], embedding=embedding)


# ----------------------------------------------------------------------------
# Parts of both networks.


class Up(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``: each pixel four times, then two normalised convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = make_convolution(inputs, outputs)
        self.conv2 = make_convolution(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        x = normalise(self.conv1(upsample(x, taps=2)))  # [N, outputs, 2R, 2R]
        return normalise(self.conv2(x))


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: two convolutions, then the means of 2x2 pixels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = make_convolution(inputs, inputs)
        self.conv2 = make_convolution(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        x = activate(self.conv1(x))  # [N, inputs, R, R]
        x = activate(self.conv2(x))  # [N, outputs, R, R]
        return downsample(x, taps=2)


def activate(x: Tensor) -> Tensor:
    """Return the leaky ReLU of `x`."""
    return F.leaky_relu(x, SLOPE)


def normalise(x: Tensor) -> Tensor:
    """Return the leaky ReLU of maps, with the vector of each pixel scaled to mean square 1 (section 4.2)."""
    return pixel_norm(activate(x))


def make_convolution(inputs: int, outputs: int) -> EqualisedConv2d:
    """Return a 3x3 convolution before a leaky ReLU."""
    return EqualisedConv2d(inputs, outputs, 3, padding=1, gain=GAIN)
