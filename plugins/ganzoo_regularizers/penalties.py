"""The penalties, in terms of f(x), the sum of all logits that D gives to the sample x; E is the mean over the batch.

``mode="exact"`` differentiates f twice (create_graph). ``mode="fd"`` compares answers of D at nearby samples instead
and needs first derivatives only; it moves what D saw, after augmentation.
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

    ``exact`` is the gradient at the samples before augmentation, of the update's own answers. ``fd`` is
    gamma / 2 E (f(x + sigma e) - f(x))^2 / sigma^2 with e ~ N(0, I), as Lin et al. 2025 (arXiv:2501.08316, section 3.4)
    approximate R1; its expectation over e tends to the exact penalty as sigma to 0, and is it for a linear D.
    """

    options: ZeroCentredOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return zero_centred(self.options, step, step.real, step.real_seen, step.real_output, step.real_labels)


@dataclass(frozen=True)
class R2:
    """R1 at generated x (Mescheder et al. 2018, eq. 10)."""

    options: ZeroCentredOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return zero_centred(self.options, step, step.fake, step.fake_seen, step.fake_output, step.fake_labels)


def zero_centred(
    options: ZeroCentredOptions,
    step: Step,
    samples: Tensor | None,
    seen: Tensor | None,
    output: DiscriminatorOutput | None,
    labels: Tensor | None,
) -> Tensor:
    """Return gamma / 2 E |grad f|^2, a scalar, at samples ``[N, ...]`` that D saw as `seen`, `labels`: its `output`."""
    if samples is None or seen is None or output is None:
        raise ValueError("r1 and r2 are of D's update, whose step has real samples")
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

    x = eps real + (1 - eps) fake of what D saw, eps ~ U(0, 1) for each sample. ``fd`` takes the direction
    u = grad f / |grad f| from a first derivative, holds it fixed, and puts (f(x + sigma u) - f(x - sigma u)) / 2 sigma
    for the norm. A random direction would not do: the square root of its mean square is biased. Along u the error is
    O(sigma^2), and none for a linear D. So is that of the parameters' gradients, as u is the direction in which f rises
    most: turning it changes the slope in second order only (the envelope theorem).
    """

    options: WGANGPOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar; where the gradient is 0 the norm passes no gradient on."""
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
    """Return a leaf that requires grad, ``[N, ...]``, each sample drawn uniformly between its real and its fake."""
    if real is None:
        raise ValueError("wgan-gp is of D's update, whose step has real samples")
    epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype, device=real.device)
    return torch.lerp(fake.detach(), real.detach(), epsilon).requires_grad_()
