"""What a denoiser is to the rest of the plugin, and ganzoo's own: a small U-Net with the scales of EDM.

Source: Karras, Aittala, Aila & Laine 2022, Elucidating the Design Space of Diffusion-Based Generative Models,
arXiv:2206.00364, eq. 7 and the last column of table 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import SelfAttention2d, require_labels
from ganzoo_diffusion.options import OneStepOptions

GROUPS = 8  # of group normalisation, where there are so many channels
FREQUENCIES = 4  # at which the logarithm of a noise level is seen


class Denoised(NamedTuple):
    """A denoiser's answer: the predicted samples ``[N, C, H, W]``, and inner maps ``[N, width, h, w]``."""

    samples: Tensor
    maps: list[Tensor]


class Denoiser(Protocol):
    """A module that predicts samples from noisy ones.

    It is called as ``denoiser(x, sigma, labels)``. `x` is a sample plus noise of the standard deviation `sigma`
    ``[N]``, whatever form of noise and of prediction the network inside was trained for. `labels` are classes ``[N]``
    or None.

    Attributes:
        sigma_max: The noise level at which nothing of the sample is left, a 0-dim tensor.
        widths: The numbers of channels of its maps: the middle of the network, then each level after it.
    """

    sigma_max: Tensor
    widths: tuple[int, ...]

    def __call__(self, x: Tensor, sigma: Tensor, labels: Tensor | None = None) -> Denoised:
        """Return the predicted samples and the maps."""


class Scales(NamedTuple):
    """The scales c of table 1, all of the shape of `sigma`, and the weight lambda of the loss there."""

    skip: Tensor
    out: Tensor
    into: Tensor
    noise: Tensor
    weight: Tensor


def compute_scales(sigma: Tensor, sigma_data: float) -> Scales:
    """Return the scales for noise levels `sigma` and samples of the standard deviation `sigma_data`."""
    total = sigma.square() + sigma_data**2
    out = sigma * sigma_data / total.sqrt()
    return Scales(sigma_data**2 / total, out, total.rsqrt(), sigma.log() / 4, out.square().reciprocal())


def embed_levels(noise: Tensor) -> Tensor:
    """Return sines and cosines ``[N, 2 FREQUENCIES]`` of scaled logarithms of noise levels ``[N]``."""
    steps = torch.arange(FREQUENCIES, dtype=noise.dtype, device=noise.device)
    angles = noise[:, None] * torch.exp2(steps)  # [N, FREQUENCIES]
    return torch.cat([angles.sin(), angles.cos()], 1)


class PreconditionedUNet(nn.Module):
    """D(x; sigma) = c_skip x + c_out F(c_in x; c_noise), where F is a U-Net (eq. 7).

    Args:
        channels: The number of channels of the samples.
        num_classes: The number of classes; 0 for none.
        options: The options of `one-step`.
    """

    sigma_max: Tensor

    def __init__(self, channels: int, num_classes: int, options: OneStepOptions) -> None:
        super().__init__()
        self.sigma_data = options.sigma_data
        self.register_buffer("sigma_max", torch.tensor(options.sigma_max), persistent=False)
        self.unet = UNet(channels, num_classes, options)
        self.widths = self.unet.widths

    def forward(self, x: Tensor, sigma: Tensor, labels: Tensor | None = None) -> Denoised:
        """Return the predicted samples and the maps of the U-Net."""
        scales = compute_scales(sigma, self.sigma_data)
        skip, out, into = (each.view(-1, 1, 1, 1) for each in scales[:3])
        found, maps = self.unet(into * x, scales.noise, labels)
        return Denoised(skip * x + out * found, maps)


class UNet(nn.Module):
    """Residual blocks at levels of falling and rising resolution, with attention in the middle.

    Args:
        channels: The number of channels of the samples.
        num_classes: The number of classes, whose embeddings join that of the noise level; 0 for none.
        options: The options of `one-step`.
    """

    def __init__(self, channels: int, num_classes: int, options: OneStepOptions) -> None:
        super().__init__()
        wide = [options.width * factor for factor in options.multipliers]
        size = 4 * options.width
        self.embed = nn.Sequential(nn.Linear(2 * FREQUENCIES, size), nn.SiLU(), nn.Linear(size, size))
        self.classes = nn.Embedding(num_classes, size) if num_classes else None
        self.first = nn.Conv2d(channels, wide[0], 3, padding=1)
        self.fall, self.rise, before = nn.ModuleList(), nn.ModuleList(), wide[0]
        for width in wide:
            self.fall.append(make_level(before, width, size, options.blocks))
            before = width
        self.middle = nn.ModuleList([Block(before, before, size), Block(before, before, size)])
        self.attention = SelfAttention2d(before, ratio=min(8, before), pool=False)
        for width in reversed(wide):
            self.rise.append(make_level(before + width, width, size, options.blocks))
            before = width
        self.norm, self.last = make_norm(before), nn.Conv2d(before, channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)  # D(x; sigma) is c_skip x at first
        nn.init.zeros_(self.last.get_parameter("bias"))
        self.widths = (wide[-1], *reversed(wide))

    def forward(self, x: Tensor, noise: Tensor, labels: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """Return F's output ``[N, C, H, W]``, and the maps of the middle and of each level after it."""
        embedded = self.embed(embed_levels(noise))  # [N, size]
        require_labels(labels, self.classes is not None)
        if self.classes is not None:
            embedded = embedded + self.classes(labels)
        x, kept = self.first(x), []
        for number, level in enumerate(self.fall):
            x = run_blocks(F.avg_pool2d(x, 2) if number else x, level, embedded)
            kept.append(x)
        x = self.middle[1](self.attention(self.middle[0](x, embedded)), embedded)
        maps = [x]
        for number, level in enumerate(self.rise):
            x = F.interpolate(x, scale_factor=2.0) if number else x
            x = run_blocks(torch.cat([x, kept.pop()], 1), level, embedded)
            maps.append(x)
        return self.last(F.silu(self.norm(x))), maps


def make_level(before: int, width: int, size: int, blocks: int) -> nn.ModuleList:
    """Return the blocks of a level, the first of which changes the number of channels."""
    return nn.ModuleList(Block(width if number else before, width, size) for number in range(blocks))


def run_blocks(x: Tensor, blocks: nn.Module, embedded: Tensor) -> Tensor:
    """Return maps after the blocks of a level."""
    for block in blocks.children():
        x = block(x, embedded)
    return x


def make_norm(channels: int) -> nn.GroupNorm:
    """Return a group normalisation with 8 groups, or as many as divide both 8 and the channels."""
    return nn.GroupNorm(math.gcd(GROUPS, channels), channels)


class Block(nn.Module):
    """x plus two convolutions of it; the embedding scales and shifts what is between them.

    Args:
        inputs: The number of channels of x.
        outputs: The number of channels of the result; a 1x1 convolution makes x as wide.
        size: The length of the embedding.
    """

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = make_norm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulate = nn.Linear(size, 2 * outputs)
        self.norm2, self.conv2 = make_norm(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        """Return maps of the same height and width, for embeddings ``[N, size]``."""
        scale, shift = self.modulate(embedded)[:, :, None, None].chunk(2, 1)
        y = self.norm2(self.conv1(F.silu(self.norm1(x)))) * (1 + scale) + shift
        total: Tensor = (self.skip(x) + self.conv2(F.silu(y))) / math.sqrt(2)
        return total
