"""Drift: a small pull of D's logits of real samples to 0 (Karras et al. 2018, arXiv:1710.10196, ProGAN)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import DriftOptions
from ganzoo_regularizers.outputs import join_logits


@dataclass(frozen=True)
class Drift:
    """weight E r^2: logits stay near 0 where a loss leaves their level free (Karras et al. 2018, appendix A.1)."""

    options: DriftOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * join_logits(step.real_output).square().mean()
