"""The two networks of lightweight-gan (Phil Wang 2020, https://github.com/lucidrains/lightweight-gan, version 1.2.1).

They are FastGAN's with other layers. Pixels are shuffled (Shi et al. 2016, arXiv:1609.05158) instead of repeated, and
in D not skipped (Sunkara & Luo 2022, arXiv:2208.03641). Gates see all pixels by attention (Cao et al. 2020,
arXiv:2012.13375). G has noise, both networks may have attention, and a second small discriminator sees images of 32x32.
Nothing has spectral normalisation, and D has no batch normalisation.

There images are in [0, 1]. Here both networks convert them at their doors, so that the zeros that convolutions pad are
black, as there.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import require_labels
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_fastgan import SIZES, LightweightGANOptions
from ganzoo_fastgan.lightweight_layers import SLOPE, Attention, Gate, draw_weights, make_attention, make_smoother
from ganzoo_fastgan.networks import FEW, list_resolutions

GATES = {128: 16, 256: 32, 512: 64, 1024: 128}  # the gated resolutions, and those that gate them
LEAST = 4  # channels, whatever channel_base says
LOW, SMALL = 8, 32  # pixels: D's lowest resolution, and what its second network sees
TOP = 256  # pixels: D's blocks begin here at the latest, and G has few channels above
WIDTHS = (64, 32)  # channels of D's second network


def build(options: LightweightGANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, or neither network has maps of a resolution
            that shall get attention.
    """
    if len(data.shape) != 3 or data.shape[1] != data.shape[2] or data.shape[1] not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise UsageError(
            f"lightweight-gan cannot build for shape {tuple(data.shape)}: give (C, S, S) with S of {sizes}"
        )
    channels, size, _ = data.shape
    known = list_resolutions(4, max(size // 2, min(size, TOP)))
    if unknown := sorted(set(options.attention or ()) - set(known)):
        words = f"neither network has maps of {unknown[0]} pixels, where arch.attention asks for them"
        raise UsageError(f"{words}: give some of {', '.join(map(str, known))}")
    return Networks(
        generator=Generator(channels, size, options),
        discriminator=Discriminator(channels, size, options),
        latent_dim=options.z_dim,
        latent="normal",
    )


def count_channels(resolution: int, base: int, most: int) -> int:
    """Return the number of channels at a resolution, which times that resolution is `base`, and at most `most`."""
    return max(LEAST, min(base // resolution, most))


def list_widths(size: int, options: LightweightGANOptions) -> list[int]:
    """Return the numbers of channels of G at 4, 8, ..., `size` pixels."""
    upper = [
        FEW if resolution > TOP else count_channels(resolution, options.channel_base, options.channel_max)
        for resolution in list_resolutions(8, size)
    ]
    return [options.z_dim, *upper]


# ----------------------------------------------------------------------------
# The generator.


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, size, size]``, which training brings to [-1, 1].

    Args:
        channels: The number of channels of the image.
        size: The height and width of the image in pixels, one of `SIZES`.
        options: The options of the architecture.
    """

    def __init__(self, channels: int, size: int, options: LightweightGANOptions) -> None:
        super().__init__()
        z_dim, widths = options.z_dim, list_widths(size, options)
        self.first = nn.Sequential(nn.ConvTranspose2d(z_dim, 2 * z_dim, 4), nn.BatchNorm2d(2 * z_dim), nn.GLU(1))
        self.blocks = nn.ModuleList(
            Up(inputs, outputs, 4 << level, options) for level, (inputs, outputs) in enumerate(pairwise(widths))
        )
        at = dict(zip(list_resolutions(4, size), widths, strict=True))
        self.gates = nn.ModuleDict({f"{low}": Gate(at[low], at[high]) for high, low in GATES.items() if high <= size})
        self.last = nn.Conv2d(widths[-1], channels, 3, padding=1)
        self.apply(draw_weights)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are given."""
        require_labels(labels, False)
        x = F.normalize(self.first(z[:, :, None, None]), dim=1)  # [N, z_dim, 4, 4]
        gates: dict[int, Tensor] = {}
        for block in self.blocks:
            x = block(x)  # [N, C', 2R, 2R]
            resolution = x.shape[2]
            if f"{resolution}" in self.gates:  # before the maps are gated themselves
                gates[resolution] = self.gates[f"{resolution}"](x)
            if (low := GATES.get(resolution)) in gates:
                x = gates[low] * x
        images: Tensor = 2 * self.last(x) - 1  # [N, channels, size, size]
        return images


class Up(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``: attention, shuffled pixels, a gated convolution with noise.

    In train mode each sample gets new noise. In eval mode all get the same, which was drawn with the first weights, so
    that a sample depends on its latent alone.

    Args:
        inputs, outputs: The numbers of channels.
        resolution: The height and width of the input maps in pixels, R.
        options: The options of the architecture.
    """

    noise: Tensor

    def __init__(self, inputs: int, outputs: int, resolution: int, options: LightweightGANOptions) -> None:
        super().__init__()
        self.attention = make_attention(inputs, resolution, options)
        self.smooth = make_smoother(options)
        self.up = nn.Conv2d(inputs, 4 * inputs, 1)
        self.conv = nn.Conv2d(inputs, 2 * outputs, 4)
        self.strength = nn.Parameter(torch.zeros(()))
        self.norm = nn.BatchNorm2d(2 * outputs)
        self.register_buffer("noise", torch.randn(2 * resolution, 2 * resolution))
        nn.init.zeros_(self.up.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        x = F.pixel_shuffle(F.silu(self.up(self.attention(x))), 2)  # [N, inputs, 2R, 2R]
        x = self.conv(F.pad(self.smooth(x), (2, 1, 2, 1)))
        noise = torch.randn_like(x[:, :1]) if self.training else self.noise
        return F.glu(self.norm(x + self.strength * noise), 1)


# ----------------------------------------------------------------------------
# The discriminator.


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` in [-1, 1] to logits of the image, and one of the image at 32x32.

    The first are a map of 5x5 patches, or one number. The output's features are the maps of 16x16 and of 8x8 pixels,
    from which `reconstruction` draws the image again.

    Args:
        channels, size, options: As in the generator.
    """

    def __init__(self, channels: int, size: int, options: LightweightGANOptions) -> None:
        super().__init__()
        self.step = size // SMALL
        resolutions = list_resolutions(LOW, min(size, TOP))[::-1]
        widths = [count_channels(each, options.channel_base // 2, options.channel_max) for each in resolutions]
        narrow = [channels for _ in list_resolutions(2 * TOP, size)]
        if not narrow:
            widths[0] = channels
        self.first = nn.Sequential(*(make_halving(*pair, options) for pair in pairwise([*narrow, widths[0]])))
        self.blocks = nn.ModuleList(
            Down(inputs, outputs, make_attention(inputs, resolution, options), make_smoother(options))
            for (inputs, outputs), resolution in zip(pairwise(widths), resolutions[:-1], strict=True)
        )
        width = widths[-1]
        self.hidden = make_layer(width, width, options)
        self.last = nn.Conv2d(width, 1, 4)
        wide, slim = WIDTHS
        self.small = nn.Sequential(
            nn.Conv2d(channels, wide, 3, padding=1),
            Down(wide, slim, Attention(wide, options.head_width), make_smoother(options)),
            Attention(slim, options.head_width),
            nn.AvgPool2d(4),
            nn.Conv2d(slim, 1, 4),
        )
        self.apply(draw_weights)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the logits ``[N, 1, 5, 5]`` or ``[N, 1, 1, 1]``, and ``[N, 1, 1, 1]``; raise ValueError for labels."""
        require_labels(labels, False)
        x = (x + 1) / 2
        small = self.small(x[:, :, :: self.step, :: self.step])  # the nearest pixels
        x, maps = self.first(x), []
        for block in self.blocks:
            x = block(x)  # [N, C', R/2, R/2]
            maps.append(x)
        hidden = self.hidden(x)
        return DiscriminatorOutput([self.last(hidden), small], features=maps[-2:], embedding=hidden.mean((2, 3)))


def make_halving(inputs: int, outputs: int, options: LightweightGANOptions) -> nn.Module:
    """Return a layer of D above its blocks, ``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``."""
    conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
    return nn.Sequential(make_smoother(options), conv, nn.LeakyReLU(SLOPE))


def make_layer(inputs: int, outputs: int, options: LightweightGANOptions) -> nn.Module:
    """Return D's layer before the logits, to maps of 8x8 pixels for patches and of 4x4 for one logit."""
    if options.patches:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.LeakyReLU(SLOPE))
    conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
    return nn.Sequential(make_smoother(options), conv, nn.LeakyReLU(SLOPE))


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: attention, then the sum of two branches.

    One branch has the four pixels of each square as channels, the other their mean.

    Args:
        inputs, outputs: The numbers of channels.
        attention: A layer of the maps before they are halved.
        smooth: A filter of the maps before they are halved, without parameters.
    """

    def __init__(self, inputs: int, outputs: int, attention: nn.Module, smooth: nn.Module) -> None:
        super().__init__()
        self.attention, self.smooth = attention, smooth
        self.branch = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * inputs, outputs, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.LeakyReLU(SLOPE),
        )
        self.short = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1), nn.LeakyReLU(SLOPE))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        x = self.smooth(self.attention(x))
        y: Tensor = self.branch(x) + self.short(x)
        return y
