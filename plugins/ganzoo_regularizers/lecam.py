"""LeCam: D's logits stay near running means of the other side's (Tseng et al. 2021, arXiv:2104.03310)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import LeCamOptions
from ganzoo_regularizers.outputs import join_logits


class LeCam(nn.Module):
    """weight (E (r - a_f)^2 + E (f - a_r)^2), a_r and a_f being running means of r and f (Tseng et al. 2021, eq. 3).

    A running mean includes the newest batch, and weights older ones by powers of `decay`. The weights are divided by
    their sum, so it starts as the mean of the first batch. No gradient flows into it.
    """

    sums: Tensor
    total: Tensor

    def __init__(self, options: LeCamOptions, data: DataInfo) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("sums", torch.zeros(2))  # of the weighted means of r and f
        self.register_buffer("total", torch.zeros(()))  # of the weights

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar, after the running means moved."""
        real, fake = join_logits(step.real_output), join_logits(step.fake_output)
        with torch.no_grad():
            means, new = step.mean(torch.stack([real.mean(), fake.mean()])), 1 - self.options.decay
            self.sums.mul_(self.options.decay).add_(new * means)
            self.total.mul_(self.options.decay).add_(new)
            of_real, of_fake = (self.sums / self.total).unbind()
        return self.options.weight * ((real - of_fake).square().mean() + (fake - of_real).square().mean())
