"""Spectral normalisation of any D (Miyato et al. 2018, arXiv:1802.05957, SNGAN)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganzoo.layers import SpectralNorm, spectral_norm_all
from ganzoo.plugin import DataInfo, Networks, NoOptions, UsageError


@dataclass(frozen=True)
class SpectralNormalisation:
    """W / sigma(W) in place of each weight of D, sigma being its largest singular value (Miyato et al. 2018, eq. 8).

    The weights are those of linear layers and convolutions. `ganzoo.layers.SpectralNorm` says how sigma is estimated.
    """

    options: NoOptions
    data: DataInfo

    def prepare(self, networks: Networks) -> None:
        """Normalise the layers that are not normalised yet.

        Raises:
            UsageError: There are none, so the regularizer would have no effect.
        """
        before = _count_normalised(networks.discriminator)
        spectral_norm_all(networks.discriminator)
        if _count_normalised(networks.discriminator) == before:
            words = "has them all normalised already" if before else "has no linear layer and no convolution of torch"
            raise UsageError(f"regularizer 'spectral-norm': this discriminator {words}: remove --reg spectral-norm")


def _count_normalised(network: nn.Module) -> int:
    return sum(isinstance(module, SpectralNorm) for module in network.modules())
