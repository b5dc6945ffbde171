"""The strengths of D's penalties, adapted to how well D tells real from generated samples (``train.auto_gamma``).

R3GAN's strengths for 64 and for 256 pixels differ by a factor of 75 (Huang et al. 2024, arXiv:2501.05441), which
follows from no formula. Here one factor multiplies the strengths of all penalties. It doubles where D tells nearly all
pairs apart, and halves where D hardly tells any. It depends on updates alone, never on time, so that a resumed run
adapts as an unbroken one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.engine.distributed import World
from ganzoo.health.signals import EVERY, LastLogits, compute_auc

WINDOW = 16 * EVERY  # updates of D from one decision to the next
# The mean AUC of a window above which D is too strong, and below which it is too weak.
TOO_STRONG, TOO_WEAK = 0.99, 0.55
LEAST, MOST = 1 / 64, 64.0  # limits of the factor


class AdaptiveStrength(nn.Module):
    """A factor of the strengths of penalties, and the sum and the number of AUCs in the present window: buffers.

    Args:
        strengths: The tensors of the strengths, which are refilled before each update.
        device: The device of the training.
    """

    factor: Tensor
    total: Tensor
    looks: Tensor

    def __init__(self, strengths: Sequence[Tensor], device: torch.device) -> None:
        super().__init__()
        self.strengths = list(strengths)
        self.register_buffer("factor", torch.ones((), device=device))
        self.register_buffer("total", torch.zeros((), dtype=torch.float64, device=device))
        self.register_buffer("looks", torch.zeros((), device=device))

    def apply_factor(self) -> None:
        """Multiply the strengths, which were refilled just now, by the factor."""
        torch._foreach_mul_(self.strengths, self.factor)

    @torch.no_grad()
    def observe(self, update: int, logits: LastLogits, world: World) -> None:
        """Look at D's logits after its update of this number, and change the factor at the end of a whole window.

        Args:
            update: The number of D's updates before this one.
            logits: D's logits in this update.
            world: The processes that train together; their mean AUC counts.
        """
        if update % EVERY or not (seen := logits.read()):
            return
        self.total += world.mean(compute_auc(*(each.double() for each in seen)))
        self.looks += 1
        if update % WINDOW != WINDOW - EVERY:
            return
        auc, whole = self.total / self.looks, self.looks == WINDOW // EVERY
        step = 1.0 + (whole & (auc > TOO_STRONG)).float() - 0.5 * (whole & (auc < TOO_WEAK)).float()
        self.factor.mul_(step).clamp_(LEAST, MOST)
        self.total.zero_()
        self.looks.zero_()
