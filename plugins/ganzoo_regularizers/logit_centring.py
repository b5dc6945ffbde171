"""The centring penalty of AFM, for relativistic losses (Lin et al. 2025, arXiv:2511.22475)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import CentringOptions
from ganzoo_regularizers.outputs import join_logits


@dataclass(frozen=True)
class LogitCentring:
    """weight E (r + f)^2 of pairs: the middle between real and fake stays near 0, and their distance is free.

    This is the centring penalty of Lin et al. 2025 (arXiv:2511.22475) for relativistic losses, which do not see a
    common shift of the logits.
    """

    options: CentringOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * (join_logits(step.real_output) + join_logits(step.fake_output)).square().mean()
