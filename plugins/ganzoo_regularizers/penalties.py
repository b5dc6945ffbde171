"""The penalties. f(x) is the sum of all logits of D for the sample x; E is the mean over the batch.

``mode="exact"`` differentiates f twice (create_graph). ``mode="fd"`` compares D's logits of nearby samples and needs
only first derivatives; it moves the samples that D saw, after augmentation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.layers import input_gradients, sum_of_logits
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Step
from ganzoo_regularizers import WGANGPOptions, ZeroCentredOptions

# ----------------------------------------------------------------------------
# Zero-centred, at real or at generated samples.


@dataclass(frozen=True)
class R1:
    """gamma / 2 E |grad f(x)|^2 at real x (Mescheder et al. 2018, eq. 9).

    ``exact`` takes the gradient of the update's own logits at the samples before augmentation. ``fd`` is
    gamma / 2 E (f(x + sigma e) - f(x))^2 / sigma^2 with e ~ N(0, I), the approximation of Lin et al. 2025
    (arXiv:2501.08316, section 3.4). Its expectation over e converges to the exact penalty as sigma goes to 0; for a
    linear D they are equal.
    """

    options: ZeroCentredOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return compute_zero_centred(self.options, step, step.real, step.real_seen, step.real_output, step.real_labels)


@dataclass(frozen=True)
class R2:
    """R1 at generated x (Mescheder et al. 2018, eq. 10)."""

    options: ZeroCentredOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return compute_zero_centred(self.options, step, step.fake, step.fake_seen, step.fake_output, step.fake_labels)


def compute_zero_centred(
    options: ZeroCentredOptions,
    step: Step,
    samples: Tensor | None,
    seen: Tensor | None,
    output: DiscriminatorOutput | None,
    labels: Tensor | None,
) -> Tensor:
    """Return gamma / 2 E |grad f|^2, a scalar.

    Args:
        options: The options of the penalty.
        step: The step of D's update.
        samples: The samples before augmentation, ``[N, ...]``.
        seen: The samples that D saw, after augmentation.
        output: D's output for them.
        labels: The labels that D saw.
    """
    if samples is None or seen is None or output is None:
        raise ValueError("r1 and r2 need the step of D's update, which has real samples")
    if options.mode == "exact":
        squares = input_gradients(output, samples).square().flatten(1).sum(1)
    else:
        moved = seen.detach() + options.sigma * torch.randn_like(seen)
        ahead, here = (step.discriminate(x, labels, float32=True) for x in (moved, seen))
        difference = sum_of_logits(ahead) - sum_of_logits(here)
        squares = (difference / options.sigma).square()
    return options.gamma / 2 * squares.mean()


# ----------------------------------------------------------------------------
# One-centred, between real and generated samples.


@dataclass(frozen=True)
class WGANGP:
    """weight E (|grad f(x)| - target)^2 at x between real and fake (Gulrajani et al. 2017, eq. 3, algorithm 1).

    x = eps real + (1 - eps) fake, of the samples that D saw, with eps ~ U(0, 1) for each sample. ``fd`` computes the
    direction u = grad f / |grad f| by a first derivative, treats it as constant, and replaces the norm by
    (f(x + sigma u) - f(x - sigma u)) / 2 sigma. A random direction cannot be used, because the square root of a mean
    square is biased. Along u the error is O(sigma^2), and 0 for a linear D. The gradients of the parameters have the
    same error: u is the direction of steepest ascent, so turning it changes the slope only in second order (the
    envelope theorem).
    """

    options: WGANGPOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar. If D's gradient is 0, the derivative of its norm is 0."""
        between = interpolate(step.real_seen, step.fake_seen)
        exact, sigma = self.options.mode == "exact", self.options.sigma
        answer = step.discriminate(between, float32=not exact)
        slopes = input_gradients(answer, between, create_graph=exact).flatten(1)  # [N, D]
        norms: Tensor = torch.linalg.vector_norm(slopes, dim=1)  # [N]; its derivative at 0 is 0
        if not exact:
            u = torch.nn.functional.normalize(slopes, dim=1).view_as(between)  # 0 stays 0
            ahead, behind = (between.detach() + side * sigma * u for side in (1, -1))
            norms = (
                sum_of_logits(step.discriminate(ahead, float32=True))
                - sum_of_logits(step.discriminate(behind, float32=True))
            ) / (2 * sigma)
        return self.options.weight * (norms - self.options.target).square().mean()


def interpolate(real: Tensor | None, fake: Tensor) -> Tensor:
    """Draw each sample uniformly between a real and a fake one; return a leaf ``[N, ...]`` that requires grad."""
    if real is None:
        raise ValueError("wgan-gp needs the step of D's update, which has real samples")
    epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype, device=real.device)
    return torch.lerp(fake.detach(), real.detach(), epsilon).requires_grad_()
