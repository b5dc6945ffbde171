"""Penalties on the length of D's gradient between real and generated samples, or near real ones.

f(x) is the sum of all logits of D for x; E is the mean over the batch. The points x are computed from the samples that
D saw, after augmentation. No gradient flows into them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.layers import input_gradients, sum_of_logits
from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import DraganOptions, SlopeOptions, WGANGPOptions

# ----------------------------------------------------------------------------
# Between real and generated samples.


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
        between, sigma = interpolate(step.real_seen, step.fake_seen), self.options.sigma
        if self.options.mode == "exact":
            norms = compute_slopes(step, between)
        else:
            slopes = input_gradients(step.discriminate(between, float32=True), between, create_graph=False)
            u = torch.nn.functional.normalize(slopes.flatten(1), dim=1).view_as(between)  # 0 stays 0
            ahead, behind = (between.detach() + side * sigma * u for side in (1, -1))
            norms = (
                sum_of_logits(step.discriminate(ahead, float32=True))
                - sum_of_logits(step.discriminate(behind, float32=True))
            ) / (2 * sigma)
        return self.options.weight * (norms - self.options.target).square().mean()


@dataclass(frozen=True)
class ZeroCentredGP:
    """weight E |grad f(x)|^2 at x between real and fake (Thanh-Tung et al. 2019, 0-GP)."""

    options: SlopeOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return self.options.weight * compute_slopes(step, interpolate(step.real_seen, step.fake_seen)).square().mean()


@dataclass(frozen=True)
class MaxGP:
    """weight max |grad f(x)|^2 over the points x of the batch, between real and fake (Zhou et al. 2019, MaxGP).

    It limits the Lipschitz constant, which is the largest slope, and leaves smaller slopes free.
    """

    options: SlopeOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return self.options.weight * compute_slopes(step, interpolate(step.real_seen, step.fake_seen)).square().amax()


def interpolate(real: Tensor | None, fake: Tensor) -> Tensor:
    """Return eps real + (1 - eps) fake, eps ~ U(0, 1) for each sample: a leaf ``[N, ...]`` that requires grad."""
    real = _require(real)
    epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype, device=real.device)
    return torch.lerp(fake.detach(), real.detach(), epsilon).requires_grad_()


# ----------------------------------------------------------------------------
# Near real samples.


@dataclass(frozen=True)
class Dragan:
    """weight E (|grad f(x + e)| - target)^2 at real x, with e ~ N(0, noise^2 I) (Kodali et al. 2017, section 2.3)."""

    options: DraganOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar. If D's gradient is 0, the derivative of its norm is 0."""
        real = _require(step.real_seen).detach()
        near = (real + self.options.noise * torch.randn_like(real)).requires_grad_()
        return self.options.weight * (compute_slopes(step, near) - self.options.target).square().mean()


def compute_slopes(step: Step, points: Tensor) -> Tensor:
    """Return |grad f| ``[N]`` at points ``[N, ...]`` that require grad. Its derivative where it is 0 is 0."""
    slopes = input_gradients(step.discriminate(points), points).flatten(1)  # [N, D]
    norms: Tensor = torch.linalg.vector_norm(slopes, dim=1)
    return norms


def _require(real: Tensor | None) -> Tensor:
    if real is None:
        raise ValueError("a penalty between real and fake needs the step of D's update, which has real samples")
    return real
