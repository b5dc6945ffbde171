"""The frame of both BigGANs (Brock et al. 2019, arXiv:1809.11096, appendix B): what surrounds the blocks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import ProjectionHead, SelfAttention2d, draw_weights, require_labels, spectral_norm_all
from ganzoo.plugin import DataInfo, DiscriminatorOutput, UsageError
from ganzoo_biggan import SIZES, Options
from ganzoo_biggan.latents import SplitLatents, WholeLatents, truncate_latents

# The channels of both networks, in multiples of their width, "ch" in the paper: of G after the linear layer and after
# each doubling of the resolution; of D after each block, or for biggan-deep after the stem and after each pair of
# blocks. The paper has networks for 128 to 512 pixels; those for 32 and 64 are in the authors' code, BigGAN-PyTorch.
MULTIPLES_G = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
MULTIPLES_D = {
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
}
HALVINGS = {32: 2, 64: 4, 128: 5, 256: 6, 512: 7}  # how often D halves the resolution: in the first blocks, or pairs
LOWEST = 4  # the height and width of the first maps of G
INITIAL: dict[str, Callable[[Tensor], Any]] = {
    "orthogonal": nn.init.orthogonal_,
    "normal": partial(nn.init.normal_, std=0.02),
    "xavier": nn.init.xavier_uniform_,
}


class Generator(nn.Module):
    """z ``[N, latent_dim]``, standard normal, to images ``[N, channels, size, size]`` in [-1, 1].

    Args:
        latents: The module that gives the first layer its input, and each block its condition.
        blocks: The blocks, called as ``block(maps, condition)``. The first one gets maps of 4x4.
        widths: The numbers of channels before the first and after the last block.
        channels: The number of channels of the image.
        options: The options of the architecture.
    """

    def __init__(
        self,
        latents: SplitLatents | WholeLatents,
        blocks: nn.ModuleList,
        widths: tuple[int, int],
        channels: int,
        options: Options,
    ) -> None:
        super().__init__()
        self.latents = latents
        self.first = nn.Linear(latents.first_dim, widths[0] * LOWEST**2)
        self.blocks = blocks
        self.norm = nn.BatchNorm2d(widths[1])
        self.last = nn.Conv2d(widths[1], channels, 3, padding=1)
        draw_weights(self, INITIAL[options.init])
        if options.spectral_g:  # all weights but those of the embedding, as in the authors' code
            spectral_norm_all(self)

    def forward(self, z: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected.

        Args:
            z: The latents, standard normal.
            labels: The classes, ``int64 [N]``, if the data have classes.
            truncation: From 0, where all latents are alike, to 1, where they stay as they are (`truncate_latents`).
        """
        first, conditions = self.latents(truncate_latents(z, truncation), labels)
        x = self.first(first).view(z.shape[0], -1, LOWEST, LOWEST)  # [N, C, 4, 4]
        for block, condition in zip(self.blocks, conditions, strict=True):
            x = block(x, condition)  # [N, C', R, R]
        return torch.tanh(self.last(F.relu(self.norm(x))))  # [N, channels, size, size]


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` in [-1, 1] to logits ``[N]``.

    The output also has the maps after each block (``features``), the sums over pixels of the last ones
    (``embedding``), which the head reads, and the logits with each label (``class_logits``).

    Args:
        stem: The module before the blocks.
        blocks: The blocks, from maps to maps.
        width: The number of channels after the last block.
        options: The options of the architecture.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The head adds
            the inner product of the embedding and the label's (Miyato & Koyama 2018, arXiv:1802.05637, eq. 3). With
            ``options.projection=False`` the labels have no effect.
    """

    def __init__(
        self, stem: nn.Module, blocks: nn.ModuleList, width: int, options: Options, num_classes: int = 0
    ) -> None:
        super().__init__()
        self.labelled = num_classes > 0
        self.stem, self.blocks = stem, blocks
        self.head = ProjectionHead(width, num_classes if options.projection else 0)
        draw_weights(self, INITIAL[options.init])
        if options.norm_d == "spectral":
            spectral_norm_all(self, kinds=(nn.Linear, nn.Conv2d, nn.Embedding))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the output for images `x`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels, self.labelled)
        x, features = self.stem(x), []
        for block in self.blocks:
            x = block(x)  # [N, C, R, R]
            features.append(x)
        embedding = F.relu(x).sum((2, 3))  # [N, C]
        logits, class_logits = self.head.score(embedding, labels if self.head.embedding is not None else None)
        return DiscriminatorOutput(logits, class_logits, features=features, embedding=embedding)


# ----------------------------------------------------------------------------
# Data, channels and attention.


def check_data(data: DataInfo, options: Options, name: str) -> None:
    """Raise UsageError unless the data are square images of a size in `SIZES`, and attention is possible for them."""
    if data.label_shape:
        raise UsageError(f"{name} takes classes as labels, not values of shape {data.label_shape}")
    if len(data.shape) != 3 or data.shape[1] != data.shape[2] or data.shape[1] not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise UsageError(f"{name} cannot build for shape {tuple(data.shape)}: give (C, S, S) with S one of {sizes}")
    size = data.shape[1]
    possible = [size >> level for level in range(1, 7) if size >> level >= 8]
    for resolution in options.attention or ():
        if resolution not in possible:
            raise UsageError(
                f"arch.attention={resolution} is not a resolution inside networks for images of {size} pixels: give "
                f"{' or '.join(map(str, possible))}"
            )


def list_channels(options: Options, size: int) -> list[int]:
    """Return the channels of G after its first layer and after each doubling of the resolution.

    Raises:
        UsageError: ``options.multiples_g`` has not one number for each of them, or its numbers grow.
    """
    multiples = options.multiples_g or MULTIPLES_G[size]
    num = len(MULTIPLES_G[size])
    if len(multiples) != num or list(multiples) != sorted(multiples, reverse=True):
        given, usual = (",".join(map(str, each)) for each in (multiples, MULTIPLES_G[size]))
        raise UsageError(
            f"arch.multiples_g={given} does not fit images of {size} pixels: give {num} numbers that do not grow, such "
            f"as {usual}"
        )
    return [multiple * options.width_g for multiple in multiples]


def make_attention(resolution: int, channels: int, options: Options) -> nn.Module:
    """Return self-attention if the options want it at a resolution, otherwise the identity."""
    return SelfAttention2d(channels) if resolution in (options.attention or ()) else nn.Identity()
