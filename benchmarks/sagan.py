"""SAGAN at 32 and 64 pixels with six million parameters, on which `benchmarks/kit.py` measures the conformance kit.

Zhang, Goodfellow, Metaxas & Odena 2019, Self-Attention Generative Adversarial Networks, arXiv:1805.08318:
residual blocks, spectral normalisation in both networks, self-attention in the middle, classes by conditional batch
normalisation and projection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import ConditionalBatchNorm2d, ProjectionHead, SelfAttention2d, draw_weights, spectral_norm_all
from ganzoo.plugin import Architecture, DataInfo, Networks, UsageError, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class Options:
    """The sizes of the networks."""

    width: int = option(64, help="Channels at the image's resolution; they double towards 4x4.", low=8)
    z_dim: int = option(128, help="Length of the latent z.", low=1)


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="sagan",
        summary="Residual blocks, spectral normalisation, self-attention.",
        factory="sagan:build",
        options=Options,
        paper="Zhang et al. 2019, Self-Attention Generative Adversarial Networks, arXiv:1805.08318",
        sizes=(32, 64),
        channels=(3,),
        conditional="optional",
        provides=("double-backward",),
        recommended={"loss": "hinge", "optim.g.lr": 1e-4, "optim.d.lr": 4e-4},
    )


def build(options: Options, data: DataInfo) -> Networks:
    """Return both networks for images of `data`; UsageError where labels are numbers."""
    if data.label_shape:
        raise UsageError("sagan takes classes as labels, not numbers")
    levels = [options.width << level for level in range(data.shape[-1].bit_length() - 2)]  # [64, 128, 256, 512] for 32
    generator = Generator(data.shape[0], levels[::-1], options.z_dim, data.num_classes)
    return Networks(generator, Discriminator(data.shape[0], levels, data.num_classes), latent_dim=options.z_dim)


class Up(nn.Module):
    """``[N, inputs, R, R]`` to ``[N, outputs, 2R, 2R]``."""

    def __init__(self, inputs: int, outputs: int, num_classes: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ConditionalBatchNorm2d(n, num_classes) for n in (inputs, outputs))
        self.first, self.second = (nn.Conv2d(n, outputs, 3, padding=1) for n in (inputs, outputs))
        self.short = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """Return what the next block takes."""
        y: Tensor = F.interpolate(self.norms[0](x, labels).relu(), scale_factor=2)
        y = self.second(self.norms[1](self.first(y), labels).relu())
        return y + F.interpolate(self.short(x), scale_factor=2)


class Down(nn.Module):
    """``[N, inputs, R, R]`` to ``[N, outputs, R/2, R/2]``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(n, outputs, 3, padding=1) for n in (inputs, outputs))
        self.short = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the next block takes."""
        y: Tensor = F.avg_pool2d(self.second(self.first(x.relu()).relu()), 2) + self.short(F.avg_pool2d(x, 2))
        return y


class Generator(nn.Module):
    """z ``[N, z_dim]`` to images ``[N, channels, size, size]`` in [-1, 1]; `levels`: channels from 4x4 upwards."""

    def __init__(self, channels: int, levels: list[int], z_dim: int, num_classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(z_dim, 16 * levels[0])
        self.blocks = nn.ModuleList(Up(wide, slim, num_classes) for wide, slim in pairwise(levels))
        self.attention = SelfAttention2d(levels[-2])
        self.norm, self.last = nn.BatchNorm2d(levels[-1]), nn.Conv2d(levels[-1], channels, 3, padding=1)
        spectral_norm_all(draw_weights(self))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return images."""
        x = self.first(z).view(len(z), -1, 4, 4)
        for index, block in enumerate(self.blocks):
            x = self.attention(x) if index == len(self.blocks) - 1 else x
            x = block(x, labels)
        return torch.tanh(self.last(self.norm(x).relu()))


class Discriminator(nn.Module):
    """Images to logits ``[N]``."""

    def __init__(self, channels: int, levels: list[int], num_classes: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, levels[0], 3, padding=1)
        self.blocks = nn.ModuleList(Down(slim, wide) for slim, wide in pairwise(levels))
        self.attention, self.head = SelfAttention2d(levels[1]), ProjectionHead(levels[-1], num_classes)
        spectral_norm_all(draw_weights(self), kinds=(nn.Linear, nn.Conv2d, nn.Embedding))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits."""
        x = self.first(x)
        for index, block in enumerate(self.blocks):
            x = block(x)
            x = self.attention(x) if index == 0 else x
        logits: Tensor = self.head(x.relu().sum((2, 3)), labels)
        return logits
