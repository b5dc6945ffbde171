"""Blur: a Gaussian filter on all that D sees, for the start of a training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo
from ganzoo_augmentations import BlurOptions
from ganzoo_augmentations.pixels import require_images


@dataclass(frozen=True)
class Blur:
    """Blurs images by a Gaussian, so that D cannot tell them apart by fine details alone.

    StyleGAN3's configuration R, which may collapse in its first updates without it, begins with a standard deviation of
    10 pixels and ends with 0 after 200,000 images (Karras et al. 2021, arXiv:2106.12423, appendix F.2).

    At 0 the images stay as they are, and the filter is computed all the same, because an update does not read numbers
    back. At 256 pixels that is 0.2 GFLOP for an image, beside 159 in the forwards of both of that configuration's
    networks.
    """

    options: BlurOptions
    data: DataInfo

    def __call__(self, images: Tensor) -> Tensor:
        """Return the blurred images ``[N, C, H, W]``; at the borders the filter has the pixels that there are.

        Raises:
            UsageError: The samples are not images.
        """
        require_images(images, "blur")
        sigma = torch.as_tensor(self.options.sigma, device=images.device, dtype=images.dtype)
        height, width = images.shape[2:]
        blurred = _make_filter(height, sigma) @ images @ _make_filter(width, sigma).mT
        return torch.where(sigma > 0, blurred, images)


def _make_filter(size: int, sigma: Tensor) -> Tensor:
    """Return the matrix ``[size, size]`` whose rows are Gaussians with sum 1."""
    places = torch.arange(size, device=sigma.device, dtype=sigma.dtype)
    weights = torch.exp(-((places[:, None] - places) / sigma.clamp_min(0.1)).square() / 2)
    return weights / weights.sum(1, keepdim=True)
