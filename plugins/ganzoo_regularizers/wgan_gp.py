"""WGAN-GP: D's gradient between real and generated samples has length 1 (Gulrajani et al. 2017, arXiv:1704.00028)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.layers import input_gradients, sum_of_logits
from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import WGANGPOptions
from ganzoo_regularizers.slopes import compute_slopes, interpolate


@dataclass(frozen=True)
class WGANGP:
    """weight E (|grad f(x)| - target)^2 at x between real and fake (Gulrajani et al. 2017, eq. 3, algorithm 1).

    ``fd`` computes the direction u = grad f / |grad f| by a first derivative, treats it as constant, and replaces the
    norm by (f(x + sigma u) - f(x - sigma u)) / 2 sigma. A random direction cannot be used, because the square root of a
    mean square is biased. Along u the error is O(sigma^2), and 0 for a linear D. The gradients of the parameters have
    the same error: u is the direction of steepest ascent, so turning it changes the slope only in second order (the
    envelope theorem).
    """

    options: WGANGPOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar. If D's gradient is 0, the derivative of its norm is 0."""
        between, sigma = interpolate(step), self.options.sigma
        if self.options.mode == "exact":
            norms = compute_slopes(step, between)
        else:
            output = step.discriminate(between, float32=True)
            slopes = input_gradients(output, between, create_graph=False).reshape(len(sum_of_logits(output)), -1)
            u = torch.nn.functional.normalize(slopes, dim=1).view_as(between)  # 0 stays 0
            ahead, behind = (between.detach() + side * sigma * u for side in (1, -1))
            norms = (
                sum_of_logits(step.discriminate(ahead, float32=True))
                - sum_of_logits(step.discriminate(behind, float32=True))
            ) / (2 * sigma)
        return self.options.weight * (norms - self.options.target).square().mean()
