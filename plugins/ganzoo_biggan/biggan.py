"""BigGAN (Brock, Donahue & Simonyan 2019, arXiv:1809.11096, appendix B, figure 15 and tables 4 to 6).

Each block of G doubles the resolution; most blocks of D halve it. `ganzoo_biggan.networks` has the tables of channels.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import convolve_and_pool, double_and_convolve
from ganzoo.plugin import DataInfo, Networks
from ganzoo_biggan import BigGANOptions
from ganzoo_biggan.latents import SplitLatents
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


def build(options: BigGANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, their labels are not classes, a resolution
            of ``options.attention`` does not exist in both networks, the channels of G do not fit, or z cannot be split
            as the options say.
    """
    check_data(data, options, "biggan")
    channels, size, _ = data.shape
    widths = list_channels(options, size)
    latents = SplitLatents(len(widths) - 1, options.z_dim, options.hierarchical, options.shared_dim, data.num_classes)
    ups = nn.ModuleList(
        Up(inputs, outputs, latents, make_attention(LOWEST << level, outputs, options))
        for level, (inputs, outputs) in enumerate(pairwise(widths), 1)
    )
    steps = [channels, *(multiple * options.width_d for multiple in MULTIPLES_D[size])]
    downs = nn.ModuleList()
    for level, (inputs, outputs) in enumerate(pairwise(steps), 1):
        halves = level <= HALVINGS[size]
        attention = make_attention(size >> level, outputs, options) if halves else nn.Identity()
        downs.append(Down(inputs, outputs, halves, level == 1, attention))
    return Networks(
        generator=Generator(latents, ups, (widths[0], widths[-1]), channels, options),
        discriminator=Discriminator(nn.Identity(), downs, steps[-1], options, data.num_classes),
        latent_dim=latents.latent_dim,
        latent="normal",
    )


class Up(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``: a block of G (figure 15b).

    Args:
        inputs: The number of channels before the block.
        outputs: The number of channels after the block.
        latents: The module that gives the block its condition.
        attention: The last layer of the block: self-attention, or the identity.
    """

    def __init__(self, inputs: int, outputs: int, latents: SplitLatents, attention: nn.Module) -> None:
        super().__init__()
        self.norm1, self.norm2 = latents.make_norm(inputs), latents.make_norm(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)  # at the lower resolution: it commutes with repeating pixels
        self.attention = attention

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Return the block's output."""
        y: Tensor = double_and_convolve(F.relu(self.norm1(x, condition)), self.conv1)  # [N, outputs, 2R, 2R]
        y = self.conv2(F.relu(self.norm2(y, condition)))
        y = self.attention(y + F.interpolate(self.shortcut(x), scale_factor=2.0))
        return y


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``, or at the same resolution: a block of D (figure 15c).

    Args:
        inputs: The number of channels before the block.
        outputs: The number of channels after the block, and between its convolutions.
        halves: Whether the block halves the resolution.
        first: Whether the block reads the image, without an activation before.
        attention: The last layer of the block: self-attention, or the identity.
    """

    def __init__(self, inputs: int, outputs: int, halves: bool, first: bool, attention: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if halves or inputs != outputs else nn.Identity()
        self.halves, self.first = halves, first
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = F.relu(self.conv1(x if self.first else F.relu(x)))  # [N, outputs, R, R]
        if self.halves:
            x, y = F.avg_pool2d(x, 2), convolve_and_pool(y, self.conv2)  # [N, outputs, R/2, R/2]
        else:
            y = self.conv2(y)  # [N, outputs, R, R]
        y = self.attention(y + self.shortcut(x))
        return y
