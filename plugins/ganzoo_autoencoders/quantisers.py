"""The normal distribution that lies between encoder and decoder (KL).

A bottleneck maps what the encoder returns, ``[N, inputs, h, w]``, to latents ``[N, outputs, h, w]``. In train mode it
also returns the terms of the generator's loss that it computes. Codebooks are in `ganzoo.layers`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.layers import Bottleneck

LOW, HIGH = -30.0, 20.0  # of a log-variance: the variances are 1e-13 to 5e8


class NormalBottleneck(nn.Module):
    """A latent drawn from N(mean, variance), with the KL divergence from N(0, 1) as a loss.

    Source: Kingma & Welling 2014, arXiv:1312.6114, appendix B; Rombach et al. 2022, arXiv:2112.10752, section 3.1 and
    appendix G. The first half of the channels are means, the others logarithms of variances. In eval mode the latent is
    the mean.

    The authors' losses are sums over the pixels of an image, here they are means. The divergence, a sum over the
    latents of an image, is therefore divided by the image's numbers. So the paper's weight of 1e-6 is the same here.

    Args:
        weight: The weight of the divergence.
        numbers_per_latent: How many numbers an image has for each number of its latent.
    """

    def __init__(self, weight: float, numbers_per_latent: float) -> None:
        super().__init__()
        self.weight, self.numbers_per_latent = weight, numbers_per_latent

    def forward(self, x: Tensor) -> Bottleneck:
        """Return latents ``[N, C, h, w]`` of means and log-variances ``[N, 2 C, h, w]``."""
        mean, log = x.chunk(2, 1)
        if not self.training:
            return Bottleneck(mean)
        log = log.float().clamp(LOW, HIGH)
        drawn = mean + (0.5 * log).exp().to(mean.dtype) * torch.randn_like(mean)
        divergence = measure_divergence(mean.float(), log)
        return Bottleneck(drawn, {"kl": self.weight / self.numbers_per_latent * divergence.mean()})


def measure_divergence(mean: Tensor, log: Tensor) -> Tensor:
    """Return the KL divergence of each N(mean, exp(log)) from N(0, 1), of the shape of `mean`."""
    return 0.5 * (mean.square() + log.exp() - 1 - log)
