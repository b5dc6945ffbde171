"""The two networks of FastGAN (Liu, Zhu, Song & Elgammal 2021, arXiv:2101.04775, section 3, figures 3 and 4).

The paper gives no numbers of channels except 3 from 512 pixels on; the others are those of the authors' code, which has
further layers that the paper does not describe (noise in G, a second convolution at some resolutions, a second D for
small images). The paper's networks are for 256 to 1024 pixels. For 32 and 64 pixels G has one gate, from 4x4 to the
full resolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import double_and_convolve, require_labels, spectral_norm_all
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_fastgan import SIZES, FastGANOptions

SLOPE = 0.2  # of rectifiers below zero
# The channels at each resolution, in multiples of the width.
MULTIPLES_G = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5}
MULTIPLES_D = {8: 16, 16: 8, 32: 4, 64: 2, 128: 1, 256: 0.5}
FEW = 3  # channels from 512 pixels on (section 3.1)
PATCH = 8  # pixels: D's lowest resolution, at which 4x4 patches get logits


def build(options: FastGANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`.
    """
    if len(data.shape) != 3 or data.shape[1] != data.shape[2] or data.shape[1] not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise UsageError(f"fastgan cannot build for shape {tuple(data.shape)}: give (C, S, S) with S one of {sizes}")
    channels, size, _ = data.shape
    return Networks(
        generator=Generator(channels, size, options),
        discriminator=Discriminator(channels, size, options),
        latent_dim=options.z_dim,
        latent="normal",
    )


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, size, size]`` in [-1, 1] (figure 3).

    Each resolution has one convolution. Maps of a low resolution gate the channels of a high one (`Excitation`).

    Args:
        channels: The number of channels of the image.
        size: The height and width of the image in pixels, one of `SIZES`.
        options: The options of the architecture.
    """

    def __init__(self, channels: int, size: int, options: FastGANOptions) -> None:
        super().__init__()
        self.sources = list_gates(size)
        widths = {r: count_channels(r, options.width, MULTIPLES_G) for r in list_resolutions(4, size)}
        self.first = nn.Sequential(
            nn.ConvTranspose2d(options.z_dim, 2 * widths[4], 4, bias=False), nn.BatchNorm2d(2 * widths[4]), nn.GLU(1)
        )
        self.blocks = nn.ModuleList(make_up_block(widths[r // 2], widths[r]) for r in list_resolutions(8, size))
        self.gates = nn.ModuleDict(
            {f"{high}": Excitation(low, widths[low], widths[high]) for high, low in self.sources.items()}
        )
        self.last = nn.Conv2d(widths[size], channels, 3, padding=1)
        self.apply(draw_weights)
        if options.spectral_g:
            spectral_norm_all(self)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are given."""
        require_labels(labels, False)
        x = self.first(z[:, :, None, None])  # [N, C, 4, 4]
        maps = {4: x}
        for block in self.blocks:
            x = block(x)  # [N, C', 2R, 2R]
            if x.shape[2] in self.sources:
                x = self.gates[f"{x.shape[2]}"](maps[self.sources[x.shape[2]]], x)
            maps[x.shape[2]] = x
        return torch.tanh(self.last(x))  # [N, channels, size, size]


class Excitation(nn.Module):
    """The skip-layer excitation y = F(x_low) x_high (eq. 1): one gate in [0, 1] for each channel of x_high.

    F pools x_low to 4x4; a convolution reduces that to one pixel, another one gives the gates.

    Args:
        resolution: The height and width of x_low, a multiple of 4.
        low, high: The numbers of channels of x_low and of x_high.
    """

    def __init__(self, resolution: int, low: int, high: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(resolution // 4)
        self.conv1 = nn.Conv2d(low, high, 4, bias=False)
        self.conv2 = nn.Conv2d(high, high, 1, bias=False)

    def forward(self, low: Tensor, x: Tensor) -> Tensor:
        """Return maps of the shape of x_high, ``[N, high, R, R]``."""
        y: Tensor = F.leaky_relu(self.conv1(self.pool(low)), SLOPE)  # [N, high, 1, 1]
        return torch.sigmoid(self.conv2(y)) * x


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` in [-1, 1] to logits of 5x5 patches (figure 4).

    The output's features are the maps of 16x16 and of 8x8 pixels, from which `reconstruction` draws the image again.

    Args:
        channels, size, options: As in the generator.
    """

    def __init__(self, channels: int, size: int, options: FastGANOptions) -> None:
        super().__init__()
        batch = options.norm_d in ("both", "batch")
        top = min(size, 256)  # residual blocks begin here
        widths = {r: count_channels(r, options.width, MULTIPLES_D) for r in list_resolutions(PATCH, size)}
        layers: list[nn.Module] = []
        if size == top:
            layers += [nn.Conv2d(channels, widths[top], 3, padding=1), nn.LeakyReLU(SLOPE)]
        for resolution in reversed(list_resolutions(2 * top, size)):
            inputs, outputs = (channels if resolution == size else widths[resolution]), widths[resolution // 2]
            norm = batch and resolution < size  # not beside the image
            layers.append(make_convolution(inputs, outputs, norm, 4, stride=2, padding=1))
        self.first = nn.Sequential(*layers)
        self.blocks = nn.Sequential(
            *(Down(widths[r], widths[r // 2], batch) for r in reversed(list_resolutions(2 * PATCH, top)))
        )
        self.hidden = make_convolution(widths[PATCH], widths[PATCH], batch, 1)
        self.last = nn.Conv2d(widths[PATCH], 1, 4, bias=False)
        self.apply(draw_weights)
        if options.norm_d in ("both", "spectral"):
            spectral_norm_all(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the logits ``[N, 1, 5, 5]`` of images `x`; raise ValueError if labels are given."""
        require_labels(labels, False)
        x = self.blocks[:-1](self.first(x))  # [N, C, 16, 16]
        y = self.blocks[-1](x)  # [N, C', 8, 8]
        hidden = self.hidden(y)
        return DiscriminatorOutput(self.last(hidden), features=[x, y], embedding=hidden.mean((2, 3)))


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: the mean of a branch with two convolutions and one with one."""

    def __init__(self, inputs: int, outputs: int, batch: bool) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            make_convolution(inputs, outputs, batch, 4, stride=2, padding=1),
            make_convolution(outputs, outputs, batch, 3, padding=1),
        )
        self.short = make_convolution(inputs, outputs, batch, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = self.branch(x) + self.short(F.avg_pool2d(x, 2))
        return y / 2


# ----------------------------------------------------------------------------
# Parts of both networks.


def list_resolutions(low: int, high: int) -> list[int]:
    """Return the powers of two from `low` to `high`; empty if `low` is above `high`."""
    return [1 << level for level in range(low.bit_length() - 1, high.bit_length())]


def count_channels(resolution: int, width: int, multiples: dict[int, float]) -> int:
    """Return the number of channels at a resolution."""
    return int(multiples[resolution] * width) if resolution in multiples else FEW


def list_gates(size: int) -> dict[int, int]:
    """Return each gated resolution and the one that gates it: 16 times lower in the paper."""
    return {16 * low: low for low in (8, 16, 32) if 16 * low <= size} if size >= 128 else {size: 4}


def make_up_block(inputs: int, outputs: int) -> nn.Sequential:
    """Return a block ``[N, inputs, R, R] -> [N, outputs, 2R, 2R]`` (figure 3): pixels repeated, a gated convolution."""
    conv = DoublingConv2d(inputs, 2 * outputs, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(2 * outputs), nn.GLU(1))


class DoublingConv2d(nn.Conv2d):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``: a 3x3 convolution of maps with each pixel repeated."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the maps at twice the resolution."""
        return double_and_convolve(input, self)


def make_convolution(inputs: int, outputs: int, batch: bool, size: int, stride: int = 1, padding: int = 0) -> nn.Module:
    """Return a convolution of D with its normalisation and rectifier; without batch normalisation it has a bias."""
    conv = nn.Conv2d(inputs, outputs, size, stride, padding, bias=not batch)
    return nn.Sequential(conv, *([nn.BatchNorm2d(outputs)] if batch else []), nn.LeakyReLU(SLOPE))


def draw_weights(module: nn.Module) -> None:
    """Draw a layer's weights: convolutions N(0, 0.02), batch normalisation N(1, 0.02), biases 0."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
