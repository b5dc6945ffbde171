"""Distillation from a frozen denoiser (Sauer, Lorenz, Blattmann & Rombach 2023, arXiv:2311.17042)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, Step
from ganzoo_diffusion.denoisers import Denoised
from ganzoo_diffusion.one_step import draw_levels
from ganzoo_diffusion.options import DistillationOptions


class Distillation:
    """weight E c(sigma) |x - D(sg(x) + sigma e; sigma)|^2 for generated x (Sauer et al. 2023, arXiv:2311.17042, eq. 4).

    D is the frozen denoiser of the discriminator, and no gradient flows through it: G moves its samples to where the
    denoiser sees them behind noise e ~ N(0, I). The distance is a mean over the numbers of a sample, where the paper
    has a sum, so that the weight does not depend on the size. Levels are log-normal, where the paper draws timesteps.

    With a = 1 / sqrt(1 + sigma^2), the share of the sample in what a denoiser of the kind of DDPM sees, c is

    - exponential: a, as in the paper;
    - sds: sigma a^2 / 2, so that the gradient with respect to x is (1 - a^2) (e' - e), where e' is the noise that the
      denoiser sees: score distillation sampling (Poole et al. 2022, arXiv:2209.14988, eq. 3) with its weight 1 - a^2;
    - uniform: 1.

    Args:
        options: The weights and the noise levels.
        data: The data that the networks see.
    """

    def __init__(self, options: DistillationOptions, data: DataInfo) -> None:
        self.options = options

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        judge: Any = step.discriminator
        x = step.fake.detach()
        with torch.no_grad():
            sigma = draw_levels(x, self.options.noise_mean, self.options.noise_std)
            noisy = x + sigma.view(-1, 1, 1, 1) * torch.randn_like(x)
            wanted: Denoised = step.compute(judge.backbone, noisy, sigma, step.labels)
        far = (step.fake - wanted.samples).square().flatten(1).mean(1)  # [N]
        term: Tensor = self.options.weight * (self._weigh(sigma) * far).mean()
        return term

    def _weigh(self, sigma: Tensor) -> Tensor:
        """Return c ``[N]``."""
        share = (1 + sigma.square()).rsqrt()
        if self.options.weighting == "exponential":
            return share
        return sigma * share.square() / 2 if self.options.weighting == "sds" else torch.ones_like(sigma)
