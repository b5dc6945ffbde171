"""The residual networks of SNGAN (Miyato, Kataoka, Koyama & Yoshida 2018, arXiv:1802.05957, appendix B.4, tables 4-6).

With other options the same networks are those of WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028, appendix F), of the
cGAN with projection (Miyato & Koyama 2018, arXiv:1802.05637) and of SAGAN (Zhang et al. 2019, arXiv:1805.08318).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import ProjectionHead, SelfAttention2d, draw_weights, spectral_norm_all
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_sngan import SIZES, SNGANOptions
from ganzoo_sngan.blocks import Down, FirstDown, Norm, Up, initialise_layer

# The channels of both networks, in multiples of a width that is 64 in the papers: in G after the linear layer and after
# each block, in D after each block. The papers have no networks for 64 pixels; those of the authors' code are the
# networks for 128 pixels without the block that keeps the width.
MULTIPLES_G = {32: (4, 4, 4, 4), 48: (8, 4, 2, 1), 64: (16, 8, 4, 2, 1), 128: (16, 16, 8, 4, 2, 1)}
MULTIPLES_D = {32: (2, 2, 2, 2), 48: (1, 2, 4, 8, 16), 64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 16)}
HALVINGS = {32: 2, 48: 4, 64: 5, 128: 5}  # the number of D's blocks that halve the resolution: the first ones


def omit(channels: int) -> nn.Module:
    """Return the identity, where a network has no normalisation."""
    return nn.Identity()


def normalise_layer(channels: int) -> nn.Module:
    """Return a normalisation over all numbers of a sample (Ba et al. 2016, arXiv:1607.06450).

    Gulrajani et al. 2017 recommend it with their penalty.
    """
    return nn.GroupNorm(1, channels)


# The normalisations of D: of the first block's activation, of the others', and of the shortcuts.
NORMS: dict[str, tuple[Norm, Norm, Norm]] = {
    "spectral": (omit, omit, omit),
    "none": (omit, omit, omit),
    "layer": (omit, normalise_layer, omit),
    "batch": (nn.BatchNorm2d, nn.BatchNorm2d, nn.BatchNorm2d),  # as in StudioGAN (Kang et al. 2023, arXiv:2206.09479)
}


def build(options: SNGANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: The samples are not square images of a size in `SIZES`, their labels are not classes, or a
            resolution of ``options.attention`` does not exist in both networks.
    """
    if data.label_shape:
        raise UsageError(f"sngan takes classes as labels, not values of shape {data.label_shape}")
    if len(data.shape) != 3 or data.shape[1] != data.shape[2] or data.shape[1] not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise UsageError(f"sngan cannot build for shape {tuple(data.shape)}: give (C, S, S) with S one of {sizes}")
    channels, size, _ = data.shape
    check_attention(options.attention or (), size)
    return Networks(
        generator=Generator(channels, size, options, data.num_classes),
        discriminator=Discriminator(channels, size, options, data.num_classes),
        latent_dim=options.z_dim,
        latent=options.latent,
    )


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, size, size]`` in [-1, 1].

    Args:
        channels: The number of channels of the image.
        size: The height and width of the image in pixels, one of `SIZES`.
        options: The options of the architecture.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The gain and
            the bias of each batch normalisation in a block depend on the class.
    """

    def __init__(self, channels: int, size: int, options: SNGANOptions, num_classes: int = 0) -> None:
        super().__init__()
        widths = [multiple * options.width_g for multiple in MULTIPLES_G[size]]
        self.lowest = size >> (len(widths) - 1)  # pixels: 4, or 6 for images of 48
        self.first = initialise_layer(nn.Linear(options.z_dim, widths[0] * self.lowest**2))
        self.blocks = nn.ModuleList()
        for level, (inputs, outputs) in enumerate(pairwise(widths), 1):
            attention = make_attention(self.lowest << level, outputs, options)
            self.blocks.append(Up(inputs, outputs, num_classes, options.upsampling, attention))
        self.norm = nn.BatchNorm2d(widths[-1])
        self.last = initialise_layer(nn.Conv2d(widths[-1], channels, 3, padding=1))
        if options.init == "orthogonal":
            draw_weights(self)
        if options.spectral_g:  # SAGAN, section 4.1
            spectral_norm_all(self)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected."""
        x = self.first(z).view(z.shape[0], -1, self.lowest, self.lowest)  # [N, C, 4, 4]
        for block in self.blocks:
            x = block(x, labels)  # [N, C', 2R, 2R]
        return torch.tanh(self.last(F.relu(self.norm(x))))  # [N, channels, size, size]


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` in [-1, 1] to logits ``[N]``, with features and an embedding.

    The features are the last maps ``[N, C, R, R]``, and the embedding is their sum or mean ``[N, C]``. The class logits
    are the logits with each label.

    Args:
        channels, size, options: As in the generator.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The head adds
            the inner product of the embedding and the label's embedding (Miyato & Koyama 2018, eq. 3), unless
            ``options.projection`` is false: labels are ignored then.
    """

    def __init__(self, channels: int, size: int, options: SNGANOptions, num_classes: int = 0) -> None:
        super().__init__()
        widths = [multiple * options.width_d for multiple in MULTIPLES_D[size]]
        self.pooling, self.projection = options.pooling, options.projection
        norms = NORMS[options.norm_d]
        self.blocks = nn.Sequential(
            FirstDown(channels, widths[0], *norms[::2], make_attention(size // 2, widths[0], options))
        )
        for level, (inputs, outputs) in enumerate(pairwise(widths), 2):
            halves = level <= HALVINGS[size]
            attention = make_attention(size >> level, outputs, options) if halves else nn.Identity()
            inner = outputs if options.wide_d else inputs
            self.blocks.append(Down(inputs, inner, outputs, halves, *norms[1:], attention))
        self.head = ProjectionHead(widths[-1], num_classes if options.projection else 0)
        initialise_layer(self.head.psi)
        if options.init == "orthogonal":
            draw_weights(self)
        if options.norm_d == "spectral":
            spectral_norm_all(self, kinds=(nn.Linear, nn.Conv2d, nn.Embedding))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the output for images `x`; raise ValueError if labels are missing or unexpected."""
        x = F.relu(self.blocks(x))  # [N, C, R, R]
        embedding = x.sum((2, 3)) if self.pooling == "sum" else x.mean((2, 3))  # [N, C]
        logits, class_logits = self.head.score(embedding, labels if self.projection else None)  # [N], [N, K] or None
        return DiscriminatorOutput(logits, class_logits, features=[x], embedding=embedding)


# ----------------------------------------------------------------------------
# Attention.


def make_attention(resolution: int, channels: int, options: SNGANOptions) -> nn.Module:
    """Return self-attention if the options want it at a resolution, otherwise the identity."""
    if resolution not in (options.attention or ()):
        return nn.Identity()
    attention = SelfAttention2d(channels)
    for layer in (attention.theta, attention.phi, attention.g, attention.o):
        initialise_layer(layer)
    return attention


def check_attention(resolutions: tuple[int, ...], size: int) -> None:
    """Raise UsageError if a resolution does not exist inside both networks for images of `size` pixels."""
    possible = [size >> level for level in range(1, 8) if size >> level >= 8]
    for resolution in resolutions:
        if resolution not in possible:
            raise UsageError(
                f"arch.attention={resolution} is not a resolution inside networks for images of {size} pixels: give "
                f"{' or '.join(map(str, possible))}"
            )
