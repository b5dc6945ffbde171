"""The two networks of StyleGAN2 (Karras, Laine, Aittala, Hellsten, Lehtinen & Aila 2020, arXiv:1912.04958).

The generator maps a latent to a style, which scales the channels of its convolutions; images are sums over all
resolutions (figure 7b). The discriminator is residual (figure 7c). Classes enter as in Karras et al. 2020
(arXiv:2006.06676): their normalised embedding beside z, and by projection in D.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.layers import (
    EqualisedConv2d,
    EqualisedLinear,
    downsample,
    low_pass,
    minibatch_deviation,
    require_labels,
    upsample,
)
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_stylegan2 import StyleGAN2Options
from ganzoo_stylegan2.mapping import Mapping, embed, make_mapping
from ganzoo_stylegan2.modulated import ModulatedConv2d, StyledConv2d, activate
from ganzoo_stylegan2.recipes import SIZES


def build(options: StyleGAN2Options, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, or their labels are not classes.
    """
    widths = choose_widths(options, require_square("stylegan2", data))
    return Networks(
        generator=Generator(data.shape[0], widths, options, data.num_classes),
        discriminator=Discriminator(data.shape[0], widths, options, data.num_classes),
        latent_dim=options.z_dim,
        latent="normal",
    )


def require_square(name: str, data: DataInfo) -> int:
    """Return the side of the images of `data`; raise UsageError where the architecture `name` does not take them."""
    if data.label_shape:
        raise UsageError(f"{name} takes classes as labels, not values of shape {data.label_shape}")
    size = data.shape[-1]
    if len(data.shape) != 3 or data.shape[1] != size or size not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise UsageError(f"{name} cannot build for shape {tuple(data.shape)}: give (C, S, S) with S one of {sizes}")
    return size


def choose_widths(options: StyleGAN2Options, size: int) -> list[int]:
    """Return the numbers of channels at 4, 8, ..., `size` pixels."""
    resolutions = [4 << level for level in range(size.bit_length() - 2)]
    return [max(8, min(options.channel_base // resolution, options.channel_max)) for resolution in resolutions]


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, S, S]``, which only training brings to [-1, 1].

    Args:
        channels: The number of channels of the image.
        widths: The numbers of channels at resolutions 4, 8, ..., S.
        options: The options of the architecture.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels.
    """

    def __init__(self, channels: int, widths: list[int], options: StyleGAN2Options, num_classes: int = 0) -> None:
        super().__init__()
        self.mapping = Mapping(2 * len(widths), options, num_classes)
        self.synthesis = Synthesis(channels, widths, options.w_dim)

    def forward(self, z: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected.

        Args:
            z: The latents, ``[N, z_dim]``.
            labels: The classes, int64 ``[N]``, or None.
            truncation: The factor by which styles are moved to their mean: 0 for the mean itself, 1 for no change
                (Karras et al. 2019, arXiv:1812.04948, appendix B).
        """
        images: Tensor = self.synthesis(self.mapping(z, labels, truncation))
        return images


# ----------------------------------------------------------------------------
# From styles to images.


class Synthesis(nn.Module):
    """Styles ``[N, layers, w_dim]`` to images ``[N, channels, S, S]``, from a learned constant of 4x4."""

    def __init__(self, channels: int, widths: list[int], w_dim: int) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.blocks = nn.ModuleList([Block(widths[0], widths[0], channels, w_dim, 4)])
        for level, (inputs, outputs) in enumerate(pairwise(widths), 1):
            self.blocks.append(Block(inputs, outputs, channels, w_dim, 4 << level))

    def forward(self, w: Tensor) -> Tensor:
        """Return the images of styles `w`."""
        x: Tensor = self.constant.expand(w.shape[0], -1, -1, -1)
        image: Tensor | None = None
        for level, block in enumerate(self.blocks):
            # a block's last style is also the first one of the next block, as both have maps of the same resolution
            x, image = block(x, image, w[:, max(0, 2 * level - 1) : 2 * level + 2])
        assert image is not None
        return image


class Block(nn.Module):
    """One resolution: two styled convolutions (one at 4x4), and an image that is added to the upsampled last one."""

    def __init__(self, inputs: int, outputs: int, channels: int, w_dim: int, resolution: int) -> None:
        super().__init__()
        self.up = StyledConv2d(inputs, outputs, w_dim, resolution, up=True) if resolution > 4 else None
        self.conv = StyledConv2d(outputs, outputs, w_dim, resolution)
        self.image = ModulatedConv2d(outputs, channels, 1, w_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, image: Tensor | None, w: Tensor) -> tuple[Tensor, Tensor]:
        """Return maps ``[N, outputs, R, R]`` and images ``[N, channels, R, R]``; `w` has the styles of the layers."""
        if self.up is not None:
            x = self.up(x, w[:, -3])
        x = self.conv(x, w[:, -2])
        y = self.image(x, w[:, -1]) + self.bias[:, None, None]
        return x, y if image is None else y + upsample(image)


# ----------------------------------------------------------------------------
# The discriminator.


class Discriminator(nn.Module):
    """Images ``[N, channels, S, S]`` to logits ``[N]``, with features and an embedding.

    The features are the maps ``[N, widths[0], 4, 4]``, of which a layer makes the embedding ``[N, widths[0]]``.

    Args:
        channels, widths, options: As in the generator.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The logit
            is the inner product of the image's features and the embedded class, which a mapping network may change
            before (Karras et al. 2020, arXiv:2006.06676).
    """

    def __init__(self, channels: int, widths: list[int], options: StyleGAN2Options, num_classes: int = 0) -> None:
        super().__init__()
        width = widths[0]
        self.labelled, self.group = bool(num_classes), options.group
        self.first = EqualisedConv2d(channels, widths[-1], 1)
        self.blocks = nn.Sequential(
            *(Down(inputs, outputs, options.residual) for inputs, outputs in pairwise(reversed(widths)))
        )
        self.conv = EqualisedConv2d(width + (self.group > 1), width, 3, padding=1)
        self.linear = EqualisedLinear(width * 16, width)
        projects = num_classes > 0 and options.projection
        self.last = EqualisedLinear(width, width if projects else 1)
        self.embedding = EqualisedLinear(num_classes, width) if projects else None
        self.mapping = make_mapping([width] * (options.mapping_d + 1 if projects else 1))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the logits of images `x`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels, self.labelled)
        x = activate(self.first(x))  # [N, widths[-1], S, S]
        x = self.blocks(x)  # [N, widths[0], 4, 4]
        if self.group > 1:
            x = minibatch_deviation(x, self.group)  # [N, widths[0] + 1, 4, 4]
        x = activate(self.conv(x))
        embedding = activate(self.linear(x.flatten(1)))  # [N, widths[0]]
        y = self.last(embedding)  # [N, widths[0]] or [N, 1]
        if self.embedding is not None:
            y = y * self.mapping(embed(labels, self.embedding)) / math.sqrt(y.shape[1])
        return DiscriminatorOutput(y.sum(1), features=[x], embedding=embedding)


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: two convolutions, with a shortcut if `residual` (figure 7c).

    The filter [1, 3, 3, 1] precedes each step to half the resolution. Half the sum of the squares of two branches is
    their mean square, so their sum is divided by sqrt(2) (appendix B).
    """

    def __init__(self, inputs: int, outputs: int, residual: bool) -> None:
        super().__init__()
        self.conv1 = EqualisedConv2d(inputs, inputs, 3, padding=1)
        self.conv2 = EqualisedConv2d(inputs, outputs, 3, stride=2)
        self.shortcut = EqualisedConv2d(inputs, outputs, 1, bias=False) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = activate(self.conv1(x))  # [N, inputs, R, R]
        y = activate(self.conv2(low_pass(y, taps=4, padding=2)))  # [N, outputs, R/2, R/2]
        return y if self.shortcut is None else (y + self.shortcut(downsample(x))) / math.sqrt(2.0)
