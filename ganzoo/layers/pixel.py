"""Pixel normalisation (Karras, Aila, Laine & Lehtinen 2018, arXiv:1710.10196, section 4.2)."""

from __future__ import annotations

from torch import Tensor

from ganzoo.compute.device import to_float32


def pixel_norm(x: Tensor, eps: float = 1e-8) -> Tensor:
    """Scale each pixel's vector to mean square 1: x / sqrt(mean_c x_c^2 + eps).

    Args:
        x: Maps ``[N, C, H, W]``, or latents ``[N, C]``.
        eps: A small number that keeps vectors of 0 finite.

    Returns:
        A tensor of the shape and dtype of `x`, computed in float32 or more.
    """
    exact = to_float32(x)
    return (exact * (exact.square().mean(1, keepdim=True) + eps).rsqrt()).to(x.dtype)
