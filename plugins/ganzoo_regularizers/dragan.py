"""DRAGAN: D's gradient near real samples has length 1 (Kodali et al. 2017, arXiv:1705.07215)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import DraganOptions
from ganzoo_regularizers.slopes import compute_slopes, require_real


@dataclass(frozen=True)
class Dragan:
    """weight E (|grad f(x + e)| - target)^2 at real x, with e ~ N(0, noise^2 I) (Kodali et al. 2017, section 2.3)."""

    options: DraganOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar. If D's gradient is 0, the derivative of its norm is 0."""
        real = require_real(step.real_seen).detach()
        near = (real + self.options.noise * torch.randn_like(real)).requires_grad_()
        return self.options.weight * (compute_slopes(step, near) - self.options.target).square().mean()
