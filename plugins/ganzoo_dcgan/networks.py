"""The two networks of DCGAN (Radford, Metz & Chintala 2016, arXiv:1511.06434, section 3 and figure 1).

The generator doubles the resolution from 4x4 with transposed convolutions, the discriminator halves it to 4x4 with
strided ones. No pooling, no biases in convolutions, batch normalisation everywhere but at the image. The discriminator
may have another normalisation, or none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.layers import require_labels, spectral_norm_all
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_dcgan import SIZES, DCGANOptions

Norm = Literal["batch", "none", "spectral", "layer"]
SLOPE = 0.2  # of the discriminator's rectifiers below zero


def build(options: DCGANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels where it has classes.

    Raises:
        ValueError: The samples are not square images of a size in `SIZES`, or their labels are not classes.
    """
    if data.label_shape:
        raise UsageError(f"dcgan takes classes as labels, not values of shape {data.label_shape}")
    if len(data.shape) != 3 or data.shape[1] != data.shape[2] or data.shape[1] not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise ValueError(f"dcgan cannot build for shape {tuple(data.shape)}: give (C, S, S) with S one of {sizes}")
    channels, size, _ = data.shape
    return Networks(
        generator=Generator(
            channels, size, options.width, options.z_dim, data.num_classes, options.slope, options.bias
        ),
        discriminator=Discriminator(channels, size, options.width, data.num_classes, options.norm_d),
        latent_dim=options.z_dim,
        latent="normal",
    )


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, size, size]`` in [-1, 1].

    Args:
        channels: Of the image.
        size: Of the image, pixels; a power of two, at least 16.
        width: Channels at half the image's resolution (see `channels_by_level`).
        z_dim: Length of z.
        num_classes: Labels ``int64 [N]`` run from 0 to this; their embedding, as long as z, is concatenated to z
            (Mirza & Osindero 2014, arXiv:1411.1784, section 3.2). 0: the network takes no labels.
        slope: Of the rectifiers below zero.
        bias: Whether the layer at the image has one.
    """

    def __init__(
        self,
        channels: int,
        size: int,
        width: int,
        z_dim: int,
        num_classes: int = 0,
        slope: float = 0.0,
        bias: bool = False,
    ) -> None:
        super().__init__()
        levels = channels_by_level(size, width)
        self.embedding = nn.Embedding(num_classes, z_dim) if num_classes else None
        self.first = up(2 * z_dim if num_classes else z_dim, levels[0], stride=1, padding=0, slope=slope)
        self.blocks = nn.Sequential(*(up(wide, slim, slope=slope) for wide, slim in pairwise(levels)))
        self.last = nn.ConvTranspose2d(levels[-1], channels, kernel_size=4, stride=2, padding=1, bias=bias)
        self.apply(initialise)
        if self.embedding is not None:  # small, so that z speaks first: at z's own scale the labels drown it
            nn.init.normal_(self.embedding.weight, 0.0, 0.02)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; ValueError where labels are missing or not wanted."""
        require_labels(labels, self.embedding is not None)
        if self.embedding is not None:
            z = torch.cat([z, self.embedding(labels)], dim=1)  # [N, 2 * z_dim]
        x: Tensor = z[:, :, None, None]  # [N, z_dim, 1, 1]
        x = self.first(x)  # [N, width * 2**k, 4, 4]
        x = self.blocks(x)  # [N, width, size / 2, size / 2]
        return torch.tanh(self.last(x))  # [N, channels, size, size]


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` in [-1, 1] to logits ``[N]``.

    Args:
        channels, size, width: As the generator's.
        num_classes: Labels ``int64 [N]`` run from 0 to this; their embedding is one further channel of the image.
            0: the network takes no labels.
        norm: ``batch``, as in the paper; ``none``; ``spectral`` of every convolution (Miyato et al. 2018,
            arXiv:1802.05957); ``layer``, over all of a sample (Ba et al. 2016, arXiv:1607.06450), as Gulrajani et al.
            2017 advise beside their penalty. ``none`` and ``spectral`` shift nothing, so convolutions have biases then.
    """

    def __init__(self, channels: int, size: int, width: int, num_classes: int = 0, norm: Norm = "batch") -> None:
        super().__init__()
        levels = channels_by_level(size, width)[::-1]
        bias = norm in ("none", "spectral")
        self.embedding = nn.Embedding(num_classes, size * size) if num_classes else None
        self.first = down(channels + 1 if num_classes else channels, levels[0], "none", bias)
        self.blocks = nn.Sequential(*(down(slim, wide, norm, bias) for slim, wide in pairwise(levels)))
        self.last = nn.Conv2d(levels[-1], 1, kernel_size=4, bias=bias)
        self.apply(initialise)
        if norm == "none":
            self.apply(rescale)
        elif norm == "spectral":
            spectral_norm_all(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of images `x`; ValueError where labels are missing or not wanted."""
        require_labels(labels, self.embedding is not None)
        if self.embedding is not None:
            plane = self.embedding(labels).view(-1, 1, *x.shape[2:])  # [N, 1, size, size]
            x = torch.cat([x, plane], dim=1)  # [N, channels + 1, size, size]
        x = self.first(x)  # [N, width, size / 2, size / 2]
        x = self.blocks(x)  # [N, width * 2**k, 4, 4]
        x = self.last(x)  # [N, 1, 1, 1]
        return x.view(x.shape[0])  # [N]


# ----------------------------------------------------------------------------
# What both are made of.


def channels_by_level(size: int, width: int) -> list[int]:
    """Return the channels at resolutions 4, 8, ..., size / 2.

    They double with each halving of the resolution from `width`, as in the paper's networks for 64x64, up to
    8 * width: beyond 64x64 unbounded doubling would put nearly all parameters where the image is 4 pixels wide and
    make 128 and 256 hard to train.
    """
    return [width * min(2**level, 8) for level in reversed(range(size.bit_length() - 3))]


def up(inputs: int, outputs: int, stride: int = 2, padding: int = 1, slope: float = 0.0) -> nn.Sequential:
    """Return a block ``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``; stride 1 without padding takes 1x1 to 4x4."""
    conv = nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=stride, padding=padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(slope) if slope else nn.ReLU())


def down(inputs: int, outputs: int, norm: Norm, bias: bool) -> nn.Sequential:
    """Return a block ``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``."""
    conv = nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=bias)
    norms: dict[Norm, nn.Module] = {"batch": nn.BatchNorm2d(outputs), "layer": nn.GroupNorm(1, outputs)}
    return nn.Sequential(conv, *([norms[norm]] if norm in norms else []), nn.LeakyReLU(SLOPE))


def rescale(module: nn.Module) -> None:
    """Draw a convolution's weights He-normal (He et al. 2015, arXiv:1502.01852, eq. 15).

    At N(0, 0.02), made for layers that are normalised, the signal would shrink a hundredfold on its way through D.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)


def initialise(module: nn.Module) -> None:
    """Draw a layer's weights: convolutions N(0, 0.02) (section 4), batch normalisation N(1, 0.02), biases 0.

    D's embedding keeps torch's N(0, 1), the scale of the pixels that it stands beside.
    """
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
