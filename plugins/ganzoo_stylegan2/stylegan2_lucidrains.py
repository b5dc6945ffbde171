"""StyleGAN2 as the package stylegan2_pytorch builds it (https://github.com/lucidrains/stylegan2-pytorch).

It differs from the paper (Karras et al. 2020, arXiv:1912.04958) in these ways. A block has one style for all its
layers. Layers have no equalised learning rate, and styles are added to 1. Maps are doubled bilinearly. All layers see
the same uniform noise, each channel with its own strength. Colours have no bias and are 0 to 1 inside. D has no
deviation of the batch, and goes down to 2x2 pixels.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import EqualisedLinear, require_labels
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_stylegan2 import LucidrainsOptions
from ganzoo_stylegan2.lucidrains_layers import (
    LinearAttention2d,
    NoisyConv2d,
    PlainModulatedConv2d,
    blur,
    double,
    draw_he,
)
from ganzoo_stylegan2.mapping import StyleMapping
from ganzoo_stylegan2.modulated import SLOPE
from ganzoo_stylegan2.networks import require_square

NAME = "stylegan2-lucidrains"
RATE = 0.1  # the learning rate of the mapping network relative to other layers', the package's default lr_mlp


def build(options: LucidrainsOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, or there are no maps of a size in
            `options.attention`.
    """
    size = require_square(NAME, data)
    known = [2 << level for level in range(size.bit_length() - 2)]
    for side in options.attention or ():
        if side not in known:
            sides = ", ".join(map(str, known))
            raise UsageError(f"arch.attention={side} is not possible for {size} pixels: choose among {sides}")
    return Networks(
        generator=Generator(data.shape[0], size, options),
        discriminator=Discriminator(data.shape[0], size, options),
        latent_dim=options.z_dim,
        latent="normal",
    )


def choose_widths(options: LucidrainsOptions, size: int) -> list[int]:
    """Return the numbers of channels of G at 4, 8, ..., `size` pixels."""
    levels = size.bit_length() - 2
    return [min(options.capacity << (levels - level), options.channel_max) for level in range(levels)]


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, size, size]``, which training brings to [-1, 1].

    Args:
        channels: The number of channels of the image.
        size: Height and width of the image, in pixels.
        options: The options of the architecture.
    """

    def __init__(self, channels: int, size: int, options: LucidrainsOptions) -> None:
        super().__init__()
        widths = choose_widths(options, size)
        self.mapping = DirectionMapping(len(widths), options)
        self.synthesis = Synthesis(channels, size, widths, options)

    def forward(self, z: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """Return the images of latents `z`; raise ValueError if there are labels.

        Args:
            z: The latents, ``[N, z_dim]``.
            labels: None, since the networks take no labels.
            truncation: The factor by which styles are moved to their mean: 0 for the mean itself, 1 for no change.
        """
        images: Tensor = self.synthesis(self.mapping(z, labels, truncation))
        return images


class DirectionMapping(StyleMapping):
    """`StyleMapping` from the directions of latents, z / |z|, by layers that have a learning rate of their own.

    Args:
        layers: The number of blocks of the synthesis network.
        options: The options of the architecture.
    """

    def __init__(self, layers: int, options: LucidrainsOptions) -> None:
        super().__init__(layers, options.z_dim, options.mixing)
        self.network = nn.Sequential()
        for _ in range(options.mapping):
            layer = EqualisedLinear(options.z_dim, options.z_dim, gain=math.sqrt(options.z_dim), rate=RATE)
            nn.init.normal_(layer.weight)  # the standard deviation is RATE in use
            self.network.extend([layer, nn.LeakyReLU(SLOPE)])

    def _map(self, z: Tensor, labels: Tensor | None) -> Tensor:
        w: Tensor = self.network(F.normalize(z, dim=1))
        return w


# ----------------------------------------------------------------------------
# From styles to images.


class Synthesis(nn.Module):
    """Styles ``[N, blocks, w_dim]`` to images ``[N, channels, size, size]``.

    In train mode each sample has new noise. In eval mode all have the same, which was drawn with the first weights, so
    that a sample depends on its latent alone.

    Args:
        channels, size, options: What they are in `Generator`.
        widths: The numbers of channels at resolutions 4, 8, ..., `size`.
    """

    noise: Tensor

    def __init__(self, channels: int, size: int, widths: list[int], options: LucidrainsOptions) -> None:
        super().__init__()
        first, w_dim, chosen = widths[0], options.z_dim, options.attention or ()
        self.constant = nn.Parameter(torch.randn(first, 4, 4)) if options.constant else None
        self.initial = None if options.constant else nn.ConvTranspose2d(w_dim, first, 4, bias=False)
        self.conv = nn.Conv2d(first, first, 3, padding=1)
        self.attentions, self.blocks = nn.ModuleList(), nn.ModuleList()
        for level, (inputs, outputs) in enumerate(pairwise([first, *widths])):
            self.attentions.append(LinearAttention2d(inputs) if 2 << level in chosen else nn.Identity())
            self.blocks.append(Block(inputs, outputs, channels, w_dim, up=level > 0))
        self.register_buffer("noise", torch.rand(size, size))
        draw_he(self)

    def forward(self, w: Tensor) -> Tensor:
        """Return the images of styles `w`."""
        if self.constant is not None:
            x = self.constant.expand(len(w), -1, -1, -1)
        else:
            assert self.initial is not None
            x = self.initial(w.mean(1)[:, :, None, None])
        x = self.conv(x)  # [N, widths[0], 4, 4]
        image: Tensor | None = None
        noise = self._draw_noise(len(w)) if self.training else self.noise
        for attention, block, style in zip(self.attentions, self.blocks, w.unbind(1), strict=True):
            x, image = block(attention(x), image, style, noise)
        assert image is not None
        return 2 * image - 1

    def _draw_noise(self, num: int) -> Tensor:
        return torch.rand(num, 1, *self.noise.shape, device=self.noise.device, dtype=self.noise.dtype)


class Block(nn.Module):
    """One resolution: two layers, and colours that are added to the doubled and filtered ones of the last block.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        channels: Number of channels of the image.
        w_dim: Length of a style.
        up: Whether the resolution doubles.
    """

    def __init__(self, inputs: int, outputs: int, channels: int, w_dim: int, up: bool) -> None:
        super().__init__()
        self.up = up
        self.conv1 = NoisyConv2d(inputs, outputs, w_dim)
        self.conv2 = NoisyConv2d(outputs, outputs, w_dim)
        self.colours = PlainModulatedConv2d(outputs, channels, 1, w_dim, demodulate=False)

    def forward(self, x: Tensor, image: Tensor | None, w: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return maps ``[N, outputs, R, R]`` and images ``[N, channels, R, R]`` for one style of each sample.

        The noise ``[..., size, size]`` is that of the largest resolution, of which smaller ones see the first rows and
        columns.
        """
        x = double(x) if self.up else x
        noise = noise[..., : x.shape[2], : x.shape[3]]
        x = self.conv2(self.conv1(x, w, noise), w, noise)
        colours = self.colours(x, w)
        return x, colours if image is None else colours + blur(double(image))


# ----------------------------------------------------------------------------
# The discriminator.


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` to logits ``[N]``, with features and an embedding.

    The features are maps ``[N, C, 2, 2]``; a convolution makes the embedding ``[N, 4 C]`` of them.

    Args:
        channels, size, options: What they are in `Generator`.
    """

    def __init__(self, channels: int, size: int, options: LucidrainsOptions) -> None:
        super().__init__()
        levels, chosen = size.bit_length() - 2, options.attention or ()
        widths = [min(4 * options.capacity << level, options.channel_max) for level in range(levels + 1)]
        self.blocks = nn.Sequential()
        for level, (inputs, outputs) in enumerate(pairwise([channels, *widths])):
            self.blocks.append(Down(inputs, outputs, down=level < levels))
            if level < levels and size >> (level + 1) in chosen:
                self.blocks.append(LinearAttention2d(outputs))
        self.conv = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        self.linear = nn.Linear(4 * widths[-1], 1)
        draw_he(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the logits of images `x`; raise ValueError if there are labels."""
        require_labels(labels, False)
        x = self.blocks((x + 1) / 2)  # [N, C, 2, 2]
        embedding = self.conv(x).flatten(1)
        return DiscriminatorOutput(self.linear(embedding)[:, 0], features=[x], embedding=embedding)


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: two convolutions, a filter and a third one, with a shortcut.

    The last block keeps the resolution, and has neither the filter nor the third convolution.
    """

    def __init__(self, inputs: int, outputs: int, down: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv3 = nn.Conv2d(outputs, outputs, 3, stride=2, padding=1) if down else None
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=2 if down else 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = F.leaky_relu(self.conv2(F.leaky_relu(self.conv1(x), SLOPE)), SLOPE)
        if self.conv3 is not None:
            y = self.conv3(blur(y))
        y = y + self.shortcut(x)
        return y / math.sqrt(2.0)
