"""Latent optimisation: G and D are trained on latents that D likes better (Wu et al. 2019, arXiv:1912.00953, LOGAN)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, Step, UsageError
from ganzoo_regularizers.options import LoganOptions


@dataclass(frozen=True)
class Logan:
    """Moves latents by z' = z + d before both updates (algorithm 1), and adds weight E |d|^2 to both losses.

    With f(z) = D(G(z)) and g = df/dz,

        gradient:  d = alpha g                       (eq. 4)
        natural:   d = alpha (g g^T + beta I)^-1 g = alpha g / (beta + |g|^2)

    The second is a step of natural gradient ascent, by the empirical Fisher matrix with damping beta; its length is at
    most alpha / (2 sqrt(beta)). A sample is moved with the probability `share`. Both networks learn through d as well:
    these terms of second order make the two gradients of the game cooperate. Samples afterwards are made of latents as
    they are drawn.
    """

    options: LoganOptions
    data: DataInfo

    def move_latents(self, z: Tensor, judge: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the moved latents ``[N, latent_dim]``."""
        if not z.shape[1]:
            raise UsageError("regularizer 'logan' moves latents, and this architecture draws none: remove --reg logan")
        z = z.detach().requires_grad_()
        (g,) = torch.autograd.grad(judge(z).sum(), z, create_graph=True)
        if self.options.step == "natural":
            g = g / (self.options.beta + g.square().sum(1, keepdim=True))
        chosen = torch.rand(len(z), 1, dtype=z.dtype, device=z.device) < self.options.share
        return z + chosen * self.options.alpha * g

    def discriminator(self, step: Step) -> Tensor:
        """Return weight E |d|^2, a scalar, for the latents as they were moved in the end."""
        return self.options.weight * measure_move(step)

    def generator(self, step: Step) -> Tensor:
        """Return the same term for G; 0 before the adversarial loss starts, when latents are not moved."""
        return self.options.weight * measure_move(step)


def measure_move(step: Step) -> Tensor:
    """Return the mean square of the distances by which the latents of a step were moved, a scalar."""
    drawn = step.z if step.drawn_z is None else step.drawn_z
    return (step.z - drawn).square().sum(1).mean()
