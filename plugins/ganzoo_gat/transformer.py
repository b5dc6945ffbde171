"""Parts of both transformers: attention with rotated queries and keys, the gated layer, positions, normalisation.

The blocks are those of Hyun et al. 2025 (arXiv:2509.24935, section 3): they normalise before each layer, by the root
mean square, and have no dropout.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BASE = 10_000.0  # of the wavelengths of positions and rotations


def rms_norm(x: Tensor, eps: float = 1e-6) -> Tensor:
    """Scale each vector ``x [..., D]`` to mean square 1 (Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4).

    Returns:
        A tensor of the shape and dtype of `x`, computed in float32 or more.
    """
    exact = x.to(torch.promote_types(x.dtype, torch.float32))
    return (exact * (exact.square().mean(-1, keepdim=True) + eps).rsqrt()).to(x.dtype)


class RMSNorm(nn.Module):
    """`rms_norm`, times a gain for each feature that is learnt and starts at 1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised vectors, of the shape of ``x [..., width]``."""
        return rms_norm(x) * self.gain


class Attention(nn.Module):
    """Self-attention of tokens ``[N, T, width]`` (Vaswani et al. 2017, arXiv:1706.03762, eq. 1).

    Queries and keys are normalised with a gain for each feature (Henry et al. 2020, arXiv:2010.04245), then rotated by
    their positions. The scores therefore have a limit in half precision too.

    Args:
        width: The length of a token.
        heads: The number of heads.
        fused: Whether torch's fused attention is used. It cannot be differentiated twice.
    """

    def __init__(self, width: int, heads: int, fused: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.inputs = make_linear(width, 3 * width)
        self.gain = nn.Parameter(torch.ones(2, width // heads))
        self.output = make_linear(width, width)

    def forward(self, x: Tensor, rotations: Tensor) -> Tensor:
        """Return what each token sees, ``[N, T, width]``; `rotations` are those of `compute_rotations`."""
        n, length, width = x.shape
        parts = self.inputs(x).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # [3, N, heads, T, d]
        queries, keys = rotate(rms_norm(parts[:2]) * self.gain[:, None, None, None], rotations)
        values = parts[2]
        if self.fused:
            seen = F.scaled_dot_product_attention(queries, keys, values)
        else:
            scores = torch.matmul(queries * queries.shape[-1] ** -0.5, keys.transpose(2, 3))  # [N, heads, T, T]
            seen = torch.matmul(scores.softmax(3), values)  # [N, heads, T, d]
        joined: Tensor = self.output(seen.transpose(1, 2).reshape(n, length, width))
        return joined


class GatedLayer(nn.Module):
    """``W3 (silu(W1 x) W2 x)`` on tokens ``[N, T, width]`` (SwiGLU, Shazeer 2020, arXiv:2002.05202, eq. 6).

    It has 8/3 times as many inner features as outer ones. A layer without gate has as many parameters with 4 times.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = 8 * width // 3
        self.inputs = make_linear(width, 2 * inner)
        self.output = make_linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output, of the shape of `x`."""
        gates, values = self.inputs(x).chunk(2, dim=-1)  # [N, T, inner] each
        y: Tensor = self.output(F.silu(gates) * values)
        return y


# ----------------------------------------------------------------------------
# Patches and positions.


def split_into_patches(x: Tensor, patch: int) -> Tensor:
    """Return the patches of images ``[N, C, H, W]`` as rows ``[N, T, patch * patch * C]``, in the order of reading."""
    n, channels, height, width = x.shape
    x = x.reshape(n, channels, height // patch, patch, width // patch, patch)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(n, -1, patch * patch * channels)


def join_patches(x: Tensor, patch: int, shape: tuple[int, int, int]) -> Tensor:
    """Return images ``[N, *shape]`` of patches: the inverse of `split_into_patches`."""
    channels, height, width = shape
    x = x.view(x.shape[0], height // patch, width // patch, patch, patch, channels)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(x.shape[0], *shape)


def compute_positions(rows: int, columns: int, width: int) -> Tensor:
    """Return sines and cosines of the positions of patches, ``[rows * columns, width]`` (Vaswani et al. 2017, 3.5).

    A half of the features depends on the row, the other half on the column.
    """
    angles = _compute_angles(rows, columns, width // 4)  # [T, 2, width / 4]
    return torch.cat([angles.sin(), angles.cos()], dim=2).flatten(1)


def compute_rotations(rows: int, columns: int, length: int, extra: int = 0) -> Tensor:
    """Return cosines and sines ``[2, extra + rows * columns, length / 2]`` for `rotate`.

    A quarter of a head's features turns with the row and a quarter with the column; the others are their partners (Su
    et al. 2021, arXiv:2104.09864; Heo et al. 2024, arXiv:2403.13298, for two axes).

    Args:
        rows: The number of patches from top to bottom.
        columns: The number of patches from left to right.
        length: The length of a head, a multiple of 4.
        extra: The number of tokens before the patches; they are not rotated.
    """
    angles = _compute_angles(rows, columns, length // 4).flatten(1)  # [T, length / 2]
    angles = torch.cat([angles.new_zeros(extra, length // 2), angles])
    return torch.stack([angles.cos(), angles.sin()])


def rotate(x: Tensor, rotations: Tensor) -> Tensor:
    """Rotate the features i and i + d / 2 of vectors ``x [..., T, d]`` against each other by an angle of the token."""
    cos, sin = rotations.unbind()
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def _compute_angles(rows: int, columns: int, num: int) -> Tensor:
    """Return position times frequency, ``[rows * columns, 2, num]``, of the row and the column of each patch."""
    frequencies = BASE ** (-torch.arange(num) / num)
    places = torch.cartesian_prod(torch.arange(float(rows)), torch.arange(float(columns)))  # [T, 2]
    return places[:, :, None] * frequencies


def make_linear(inputs: int, outputs: int, gain: float = 1.0, bias: bool = True) -> nn.Linear:
    """Return a linear layer with weights from Glorot's uniform distribution and a bias of 0."""
    layer = nn.Linear(inputs, outputs, bias)
    nn.init.xavier_uniform_(layer.weight, gain)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
