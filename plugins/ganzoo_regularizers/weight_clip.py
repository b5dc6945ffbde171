"""Weight clipping, the limit on D's slope of the first WGAN (Arjovsky et al. 2017, arXiv:1701.07875)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ganzoo.plugin import DataInfo, Networks
from ganzoo_regularizers.options import WeightClipOptions


@dataclass(frozen=True)
class WeightClip:
    """All parameters of D clipped to [-limit, limit] after each of its steps (Arjovsky et al. 2017, algorithm 1)."""

    options: WeightClipOptions
    data: DataInfo

    @torch.no_grad()
    def after_step(self, networks: Networks) -> None:
        """Clip D's parameters in place."""
        for parameter in networks.discriminator.parameters():
            parameter.clamp_(-self.options.limit, self.options.limit)
