"""MaxGP: the largest slope of D between real and generated samples is small (Zhou et al. 2019, arXiv:1902.05687)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import SlopeOptions
from ganzoo_regularizers.slopes import compute_slopes, interpolate


@dataclass(frozen=True)
class MaxGP:
    """weight max |grad f(x)|^2 over the points x of the batch, between real and fake (Zhou et al. 2019, MaxGP).

    It limits the Lipschitz constant, which is the largest slope, and leaves smaller slopes free.
    """

    options: SlopeOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return self.options.weight * compute_slopes(step, interpolate(step)).square().amax()
