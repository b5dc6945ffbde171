"""0-GP: D's gradient between real and generated samples is short (Thanh-Tung et al. 2019, arXiv:1902.03984)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import SlopeOptions
from ganzoo_regularizers.slopes import compute_slopes, interpolate


@dataclass(frozen=True)
class ZeroCentredGP:
    """weight E |grad f(x)|^2 at x between real and fake (Thanh-Tung et al. 2019, 0-GP)."""

    options: SlopeOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return self.options.weight * compute_slopes(step, interpolate(step)).square().mean()
