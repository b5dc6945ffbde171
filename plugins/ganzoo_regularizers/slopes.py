"""Lengths of D's gradient, for the penalties on it, and the points between real and generated samples.

f(x) is the sum of all logits of D for x; E is the mean over the batch. The points x are computed from the samples that
D saw, after augmentation. No gradient flows into them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.layers import input_gradients
from ganzoo.plugin import Step


def interpolate(real: Tensor | None, fake: Tensor) -> Tensor:
    """Return eps real + (1 - eps) fake, eps ~ U(0, 1) for each sample: a leaf ``[N, ...]`` that requires grad."""
    real = require_real(real)
    epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype, device=real.device)
    return torch.lerp(fake.detach(), real.detach(), epsilon).requires_grad_()


def compute_slopes(step: Step, points: Tensor) -> Tensor:
    """Return |grad f| ``[N]`` at points ``[N, ...]`` that require grad. Its derivative where it is 0 is 0."""
    slopes = input_gradients(step.discriminate(points), points).flatten(1)  # [N, D]
    norms: Tensor = torch.linalg.vector_norm(slopes, dim=1)
    return norms


def require_real(real: Tensor | None) -> Tensor:
    """Return the real samples of a step; raise ValueError if there are none, as in G's update."""
    if real is None:
        raise ValueError("a penalty between real and fake needs the step of D's update, which has real samples")
    return real
