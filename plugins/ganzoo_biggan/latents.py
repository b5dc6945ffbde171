"""What the blocks of a BigGAN get of the latent and of the class (Brock et al. 2019, arXiv:1809.11096, section 3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganzoo.layers import ConditionalBatchNorm2d, require_labels
from ganzoo.plugin import UsageError


def truncate_latents(z: Tensor, truncation: float) -> Tensor:
    """Return latents whose entries follow the normal distribution truncated to ``[-2 truncation, 2 truncation]``.

    The paper draws an entry anew until it is within the threshold (section 3.1). Here the entry is mapped by its
    quantile, ``F_t^-1(F(z))``, which gives the same distribution, and the same latents for the same seed.

    Args:
        z: The latents, standard normal.
        truncation: Half the paper's threshold, from 0 to 1. 1 truncates nothing. The thresholds of figure 2 are 0.02 to
            1 here; 2 truncation is also the largest entry in the authors' published models.

    Raises:
        ValueError: `truncation` is below 0 or above 1.
    """
    if not 0 <= truncation <= 1:
        raise ValueError(f"truncation={truncation:g} is not between 0 and 1")
    if truncation == 1:
        return z
    inside = math.erf(math.sqrt(2) * truncation)  # the probability of an entry within the threshold
    truncated = math.sqrt(2) * torch.erfinv(torch.erf(z.float() / math.sqrt(2)) * inside)
    return truncated.to(z.dtype)


class SplitLatents(nn.Module):
    """z and labels to the first layer's input and the condition of each block (figure 15a, table 4).

    z is cut into equal parts: the first one is the input of the first layer, each of the others the condition of a
    block, after the embedding of the class, which all blocks share.

    Args:
        num_blocks: The number of blocks.
        z_dim: The length of z; what does not fill all parts is not used.
        hierarchical: Whether z is cut. If not, the first layer gets all of it, the blocks nothing.
        shared_dim: The length of the shared embedding; 0 if each normalisation has an embedding of its own.
        num_classes: The number of classes; 0 for a network without labels.

    Raises:
        UsageError: z is shorter than the number of parts, or blocks with embeddings of their own should get parts.
    """

    def __init__(self, num_blocks: int, z_dim: int, hierarchical: bool, shared_dim: int, num_classes: int) -> None:
        super().__init__()
        if hierarchical and num_classes and not shared_dim:
            raise UsageError(
                "arch.hierarchical=true needs a class embedding that all blocks share: add arch.shared_dim=128 or "
                "arch.hierarchical=false"
            )
        num_parts = num_blocks + 1 if hierarchical else 1
        if z_dim < num_parts:
            raise UsageError(f"arch.z_dim={z_dim} is too short for {num_parts} parts: add arch.hierarchical=false")
        self.num_blocks, self.hierarchical, self.labelled = num_blocks, hierarchical, num_classes > 0
        self.first_dim = z_dim // num_parts
        self.latent_dim = self.first_dim * num_parts
        self.embedding = nn.Embedding(num_classes, shared_dim) if num_classes and shared_dim else None
        self.dim = (shared_dim if self.embedding is not None else 0) + (self.first_dim if hierarchical else 0)
        self.num_classes = 0 if self.embedding is not None else num_classes

    def make_norm(self, channels: int) -> ConditionalBatchNorm2d:
        """Return a batch normalisation that takes the condition of a block."""
        return ConditionalBatchNorm2d(channels, self.num_classes, self.dim)

    def forward(self, z: Tensor, labels: Tensor | None) -> tuple[Tensor, list[Tensor | None]]:
        """Return the input of the first layer ``[N, first_dim]``, and the condition of each block."""
        require_labels(labels, self.labelled)
        parts = torch.split(z, self.first_dim, 1)
        first, rest = parts[0], parts[1:]
        if self.embedding is None:
            return first, [*rest] if self.hierarchical else [labels] * self.num_blocks
        shared = self.embedding(labels)  # [N, shared_dim]
        if self.hierarchical:
            return first, [torch.cat([shared, part], 1) for part in rest]
        return first, [shared] * self.num_blocks


class WholeLatents(nn.Module):
    """z and labels to the first layer's input and the condition of each block (appendix B, figure 16a, table 7).

    The first layer and all blocks get z and the embedding of the class.

    Args:
        num_blocks: The number of blocks.
        z_dim: The length of z.
        shared_dim: The length of the embedding of the class.
        num_classes: The number of classes; 0 for a network without labels, whose blocks get z alone.
    """

    def __init__(self, num_blocks: int, z_dim: int, shared_dim: int, num_classes: int) -> None:
        super().__init__()
        self.num_blocks, self.latent_dim = num_blocks, z_dim
        self.embedding = nn.Embedding(num_classes, shared_dim) if num_classes else None
        self.first_dim = z_dim + (shared_dim if num_classes else 0)

    def make_norm(self, channels: int) -> ConditionalBatchNorm2d:
        """Return a batch normalisation that takes the condition of a block."""
        return ConditionalBatchNorm2d(channels, dim=self.first_dim)

    def forward(self, z: Tensor, labels: Tensor | None) -> tuple[Tensor, list[Tensor | None]]:
        """Return the input of the first layer ``[N, first_dim]``, and the condition of each block."""
        require_labels(labels, self.embedding is not None)
        whole = z if self.embedding is None else torch.cat([z, self.embedding(labels)], 1)
        return whole, [whole] * self.num_blocks
