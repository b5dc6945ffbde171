"""Filtering and noise of ADA (Karras et al. 2020, arXiv:2006.06676, appendix B)."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo_augmentations.pixels import choose
from ganzoo_augmentations.wavelets import make_filters

POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)  # expected share of the bands in the power of a picture, low to high


def amplify_bands(images: Tensor, bands: Tensor, p: float | Tensor) -> Tensor:
    """Amplify each of four bands of frequencies with probability `p`, and keep the expected power of the image.

    A band's gain is 2^n, n ~ N(0, 1). Then all gains t are divided by the root of sum_j POWER_j t_j^2.

    Args:
        images: The images, ``[N, C, H, W]``.
        bands: The filters of the bands, ``[4, T]`` (`ganzoo_augmentations.wavelets.make_bands`).
        p: Probability of each band.
    """
    draw = torch.randn(len(images), 4, device=images.device, dtype=images.dtype)
    chosen = torch.rand(len(images), 4, device=images.device) < p
    gain = torch.where(chosen, 2**draw, 1)
    share = [power * (own**2 - 1) for power, own in zip(POWER, gain.unbind(1), strict=True)]
    gain = gain / (1 + torch.stack(share, 1)).sqrt().prod(1, keepdim=True)  # [N, 4]

    def weigh(size: int) -> Tensor:
        return torch.einsum("nb,bij->nij", gain, make_filters(bands.to(images.dtype), size))[:, None]

    filtered = weigh(images.shape[2]) @ images @ weigh(images.shape[3]).mT
    return torch.where(chosen.any(1)[:, None, None, None], filtered, images)


def add_noise(images: Tensor, p: float | Tensor) -> Tensor:
    """Add white noise to each image with probability `p`; its standard deviation is ``|n|``, n ~ N(0, 0.1^2)."""
    sigma = 0.1 * torch.randn(len(images), 1, 1, 1, device=images.device).abs()
    return torch.where(choose(images, p), images + sigma * torch.randn_like(images), images)
