"""Lengths of D's gradient, for the penalties on it, and the points between real and generated samples.

f(x) is the sum of all logits of D for x; E is the mean over the batch. The points x are computed from the samples that
D saw, after augmentation. No gradient flows into them.

A D that judges k samples together (a pack: Lin et al. 2018, arXiv:1712.04086) returns ``[N / k]`` logits. Its input is
the pack, so the k samples of a pack have one eps and one length.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.layers import input_gradients, sum_of_logits
from ganzoo.plugin import Step


def interpolate(step: Step) -> Tensor:
    """Return eps real + (1 - eps) fake, eps ~ U(0, 1) for each pack: a leaf ``[N, ...]`` that requires grad."""
    real, fake = require_real(step.real_seen), step.fake_seen
    num = len(real) if step.real_output is None else len(sum_of_logits(step.real_output))
    epsilon = torch.rand(num, *[1] * (real.dim() - 1), dtype=real.dtype, device=real.device)
    if num < len(real):
        epsilon = epsilon.repeat_interleave(len(real) // num, 0, output_size=len(real))
    return torch.lerp(fake.detach(), real.detach(), epsilon).requires_grad_()


def compute_slopes(step: Step, points: Tensor) -> Tensor:
    """Return |grad f| ``[N / k]`` at points ``[N, ...]`` that require grad. Its derivative where it is 0 is 0."""
    output = step.discriminate(points)
    slopes = input_gradients(output, points).reshape(len(sum_of_logits(output)), -1)  # [N / k, k D]
    norms: Tensor = torch.linalg.vector_norm(slopes, dim=1)
    return norms


def require_real(real: Tensor | None) -> Tensor:
    """Return the real samples of a step; raise ValueError if there are none, as in G's update."""
    if real is None:
        raise ValueError("a penalty between real and fake needs the step of D's update, which has real samples")
    return real
