"""What lies between encoder and decoder: a codebook (VQ), or a normal distribution (KL).

A bottleneck maps what the encoder returns, ``[N, inputs, h, w]``, to latents ``[N, outputs, h, w]``. In train mode it
also returns the terms of the generator's loss that it computes, and numbers to be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LOW, HIGH = -30.0, 20.0  # of a log-variance: the variances are 1e-13 to 5e8
UNUSED = 1e-5  # a running number of latents below which the code stays where it is


@dataclass(frozen=True)
class Bottleneck:
    """The output of a bottleneck.

    Args:
        latents: What the decoder gets, ``[N, outputs, h, w]``.
        losses: Terms of G's loss, scalars by name, already weighted.
        report: Numbers that are measured alone, scalars by name.
    """

    latents: Tensor
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    report: Mapping[str, Tensor] = field(default_factory=dict)


class VectorQuantiser(nn.Module):
    """The nearest code of each latent (van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, eqs. 1 to 3).

    The gradient of the nearest code is passed to the latent unchanged (straight-through). Losses are means over all
    numbers: |e - sg(z)|^2 moves codes, beta |z - sg(e)|^2 commits latents. A codebook of running means (appendix A.1
    there) has no loss: N <- decay N + (1 - decay) n and m <- decay m + (1 - decay) sum z for the n latents of a code,
    which is m / N. It moves once in each update of G, for each part of its batch. Codes that have not been used for
    long stay where they are.

    With `normalise` latents and codes are divided by their lengths (Yu et al. 2022, ViT-VQGAN, arXiv:2110.04627,
    section 3.2).

    Args:
        codes: The number of codes.
        width: The length of a code.
        average: Whether codes are running means; if not, they are parameters.
        normalise: Whether the codebook consists of directions.
        beta: The weight of the commitment.
        decay: The share of a running mean that an update keeps.
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(
        self,
        codes: int,
        width: int,
        average: bool = False,
        normalise: bool = False,
        beta: float = 0.25,
        decay: float = 0.99,
    ) -> None:
        super().__init__()
        self.normalise, self.beta, self.decay = normalise, beta, decay
        first = torch.empty(codes, width).uniform_(-1 / codes, 1 / codes)
        self.average = average
        self.track_running_stats = average  # the engine switches it off for further forwards, as BatchNorm's
        if average:
            self.register_buffer("codebook", first)
            self.register_buffer("counts", torch.ones(codes))
            self.register_buffer("sums", first.clone())
        else:
            self.codebook = nn.Parameter(first)

    def forward(self, x: Tensor) -> Bottleneck:
        """Return the codes nearest to latents ``[N, width, h, w]``."""
        z, nearest, codes, latents = self.quantise(x)
        if not self.training:
            return Bottleneck(latents)
        losses = {"commitment": self.beta * (z - codes.detach()).square().mean()}
        if not self.average:
            losses["codebook"] = (codes - z.detach()).square().mean()
        every = torch.arange(len(self.codebook), device=x.device)
        chosen = (nearest[:, None] == every).to(z.dtype)  # [N h w, codes]
        if self.average and self.track_running_stats and torch.is_grad_enabled() and x.requires_grad:  # G learns
            self._move_codes(chosen, z.detach())
        shares = chosen.mean(0)
        entropy = -torch.xlogy(shares, shares).sum()
        return Bottleneck(latents, losses, {"perplexity": entropy.exp(), "usage": (shares > 0).to(z.dtype).mean()})

    def quantise(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the vectors of latents ``[N, width, h, w]`` as they are compared, their codes, and the new latents.

        The results are the vectors ``[N h w, width]``, the numbers of the nearest codes ``[N h w]``, these codes
        ``[N h w, width]``, and the same as latents ``[N, width, h, w]``, with the straight-through gradient.
        """
        z = x.movedim(1, 3).reshape(-1, x.shape[1]).to(self.codebook.dtype)
        z, book = (F.normalize(z), F.normalize(self.codebook)) if self.normalise else (z, self.codebook)
        nearest = find_nearest(z, book)
        codes = F.embedding(nearest, book)
        passed = z + (codes - z).detach()
        return z, nearest, codes, passed.to(x.dtype).view(len(x), *x.shape[2:], -1).movedim(3, 1)

    @torch.no_grad()
    def _move_codes(self, chosen: Tensor, z: Tensor) -> None:
        """Move codes to the running means of the latents that they are nearest to."""
        self.counts.lerp_(chosen.sum(0), 1 - self.decay)
        self.sums.lerp_(chosen.T @ z, 1 - self.decay)
        means = self.sums / self.counts.clamp(min=UNUSED)[:, None]
        self.codebook.copy_(torch.where(self.counts[:, None] > UNUSED, means, self.codebook))


@torch.no_grad()
def find_nearest(z: Tensor, book: Tensor) -> Tensor:
    """Return the row of `book` ``[K, C]`` that is nearest to each row of `z` ``[M, C]``, int64 ``[M]``."""
    precise = nullcontext() if z.is_meta else torch.autocast(z.device.type, enabled=False)
    with precise:
        far: Tensor = book.square().sum(1) - 2 * z @ book.T  # |z - e|^2 without |z|^2
    return far.argmin(1)


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
