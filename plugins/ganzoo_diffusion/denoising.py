"""The training of a denoiser (Karras, Aittala, Aila & Laine 2022, arXiv:2206.00364)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, Step
from ganzoo_diffusion.denoisers import compute_scales
from ganzoo_diffusion.one_step import draw_levels
from ganzoo_diffusion.options import DenoisingOptions


class Denoising:
    """weight E lambda(sigma) |G.denoise(y + sigma e; sigma) - y|^2 for real y: the training of a denoiser.

    It is eq. 8 of Karras et al. 2022 (arXiv:2206.00364) with the levels and lambda of table 1, and a mean over the
    numbers of a sample.

    Args:
        options: The weight and the noise levels.
        data: The data that the networks see.
    """

    def __init__(self, options: DenoisingOptions, data: DataInfo) -> None:
        self.options = options

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        if step.real is None:
            raise ValueError("denoising needs real samples")
        generator: Any = step.generator
        y = step.real.detach()
        sigma = draw_levels(y, self.options.noise_mean, self.options.noise_std)
        noisy = y + sigma.view(-1, 1, 1, 1) * torch.randn_like(y)
        found = step.compute(generator.denoise, noisy, sigma, step.labels)
        far = (found - y).square().flatten(1).mean(1)  # [N]
        weights = compute_scales(sigma, generator.denoiser.sigma_data).weight
        term: Tensor = self.options.weight * (weights * far).mean()
        return term
