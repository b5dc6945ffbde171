"""The optimal transport term of AFM: G moves latents as little as it can (Lin et al. 2025, arXiv:2511.22475)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from ganzoo.plugin import DataInfo, Networks, Step, UsageError
from ganzoo_regularizers.options import OTOptions


@dataclass(frozen=True)
class OptimalTransport:
    """weight E |G(z) - z|^2 / n for latents of the n numbers of a sample (Lin et al. 2025, arXiv:2511.22475).

    Of all maps from latents to data, this prefers the one that moves them least. The adversarial loss alone leaves the
    map free, so that G drifts among many. The weight falls during the training, since the term also pulls samples from
    the data to the latents.
    """

    options: OTOptions
    data: DataInfo

    def prepare(self, networks: Networks) -> None:
        """Change nothing.

        Raises:
            UsageError: Latents and samples have different sizes, so that they cannot be compared.
        """
        size = math.prod(self.data.shape)
        if networks.latent_dim != size:
            raise UsageError(
                f"regularizer 'ot' compares samples of {size} numbers with their latents, which have "
                f"{networks.latent_dim}: choose an arch and options with {size} latents, or remove 'ot'"
            )

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * (step.fake - step.z.view_as(step.fake)).square().mean()
