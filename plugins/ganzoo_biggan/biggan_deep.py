"""BigGAN-deep (Brock, Donahue & Simonyan 2019, arXiv:1809.11096, appendix B, figure 16 and tables 7 to 9).

Each resolution has two blocks, and each block four convolutions, two of them with a quarter of the channels. In G, the
second block of a pair doubles the resolution; in D, the first one halves it. The tables of channels are in
`ganzoo_biggan.networks`.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import double_and_convolve
from ganzoo.plugin import DataInfo, Networks
from ganzoo_biggan import DeepOptions
from ganzoo_biggan.latents import WholeLatents
from ganzoo_biggan.networks import (
    HALVINGS,
    LOWEST,
    MULTIPLES_D,
    Discriminator,
    Generator,
    check_data,
    list_channels,
    make_attention,
)

RATIO = 4  # the channels outside of a block's 3x3 convolutions, as a multiple of those inside


def build(options: DeepOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, their labels are not classes, a
            resolution of ``options.attention`` does not exist in both networks, or the channels of G do not fit.
    """
    check_data(data, options, "biggan-deep")
    channels, size, _ = data.shape
    widths = list_channels(options, size)
    latents = WholeLatents(2 * len(widths) - 2, options.z_dim, options.shared_dim, data.num_classes)
    ups = nn.ModuleList()
    for level, (inputs, outputs) in enumerate(pairwise(widths), 1):
        ups.append(Up(inputs, inputs, False, latents, nn.Identity()))
        ups.append(Up(inputs, outputs, True, latents, make_attention(LOWEST << level, outputs, options)))
    steps = [multiple * options.width_d for multiple in MULTIPLES_D[size]]
    downs = nn.ModuleList()
    for level, (inputs, outputs) in enumerate(pairwise(steps), 1):
        halves = level <= HALVINGS[size]
        attention = make_attention(size >> level, outputs, options) if halves else nn.Identity()
        downs.append(Down(inputs, outputs, halves, nn.Identity()))
        downs.append(Down(outputs, outputs, False, attention))
    stem = nn.Conv2d(channels, steps[0], 3, padding=1)
    return Networks(
        generator=Generator(latents, ups, (widths[0], widths[-1]), channels, options),
        discriminator=Discriminator(stem, downs, steps[-1], options, data.num_classes),
        latent_dim=latents.latent_dim,
        latent="normal",
    )


class Up(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``, or at the same resolution: a block of G (figure 16b).

    The shortcut has no weights: if there are fewer outputs than inputs, it is the first ones of the inputs.

    Args:
        inputs: The number of channels before the block.
        outputs: The number of channels after the block, at most `inputs`.
        doubles: Whether the block doubles the resolution.
        latents: The module that gives the block its condition.
        attention: The last layer of the block: self-attention, or the identity.
    """

    def __init__(self, inputs: int, outputs: int, doubles: bool, latents: WholeLatents, attention: nn.Module) -> None:
        super().__init__()
        inner = inputs // RATIO
        self.norm1, self.norm2 = latents.make_norm(inputs), latents.make_norm(inner)
        self.norm3, self.norm4 = latents.make_norm(inner), latents.make_norm(inner)
        self.conv1 = nn.Conv2d(inputs, inner, 1)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1)
        self.conv3 = nn.Conv2d(inner, inner, 3, padding=1)
        self.conv4 = nn.Conv2d(inner, outputs, 1)
        self.outputs, self.doubles = outputs, doubles
        self.attention = attention

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Return the block's output."""
        y: Tensor = F.relu(self.norm2(self.conv1(F.relu(self.norm1(x, condition))), condition))  # [N, inner, R, R]
        y = double_and_convolve(y, self.conv2) if self.doubles else self.conv2(y)
        y = self.conv3(F.relu(self.norm3(y, condition)))
        y = self.conv4(F.relu(self.norm4(y, condition)))
        x = x[:, : self.outputs]
        y = self.attention(y + (F.interpolate(x, scale_factor=2.0) if self.doubles else x))
        return y


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``, or at the same resolution: a block of D (figure 16c).

    The shortcut keeps the inputs. If there are more outputs, a convolution makes the others.

    Args:
        inputs: The number of channels before the block.
        outputs: The number of channels after the block, at least `inputs`.
        halves: Whether the block halves the resolution.
        attention: The last layer of the block: self-attention, or the identity.
    """

    def __init__(self, inputs: int, outputs: int, halves: bool, attention: nn.Module) -> None:
        super().__init__()
        inner = outputs // RATIO
        self.conv1 = nn.Conv2d(inputs, inner, 1)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1)
        self.conv3 = nn.Conv2d(inner, inner, 3, padding=1)
        self.conv4 = nn.Conv2d(inner, outputs, 1)
        self.others = nn.Conv2d(inputs, outputs - inputs, 1) if outputs > inputs else None
        self.halves = halves
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = F.relu(self.conv2(F.relu(self.conv1(F.relu(x)))))  # [N, inner, R, R]
        y = F.relu(self.conv3(y))
        if self.halves:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)  # [N, ..., R/2, R/2]
        if self.others is not None:
            x = torch.cat([x, self.others(x)], 1)  # [N, outputs, R/2, R/2]
        y = self.attention(self.conv4(y) + x)
        return y
