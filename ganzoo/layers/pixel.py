"""Pixel normalisation (Karras, Aila, Laine & Lehtinen 2018, arXiv:1710.10196, section 4.2)."""

from __future__ import annotations

from torch import Tensor

from ganzoo.layers._precision import full


def pixel_norm(x: Tensor, eps: float = 1e-8) -> Tensor:
    """Return x with each pixel's vector at mean square 1: x / sqrt(mean_c x_c^2 + eps).

    Args:
        x: Maps ``[N, C, H, W]``, or latents ``[N, C]``.
        eps: Keeps vectors of 0 finite.

    Returns:
        The shape and dtype of `x`, computed in float32 or more.
    """
    exact = full(x)
    return (exact * (exact.square().mean(1, keepdim=True) + eps).rsqrt()).to(x.dtype)
