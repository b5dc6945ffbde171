"""Codebooks: what lies between the encoder and the decoder of an autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

UNUSED = 1e-5  # a running number of latents below which the code stays where it is


@dataclass(frozen=True)
class Bottleneck:
    """The output of a bottleneck.

    Args:
        latents: What the decoder gets, ``[N, channels, ...]``.
        losses: Terms of G's loss, scalars by name, already weighted.
        report: Numbers that are measured alone, scalars by name.
    """

    latents: Tensor
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    report: Mapping[str, Tensor] = field(default_factory=dict)


class VectorQuantiser(nn.Module):
    """The nearest code of each latent (van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, eqs. 1 to 3).

    The gradient of the nearest code is passed to the latent unchanged (straight-through). Losses are means over all
    numbers: ``|e - sg(z)|^2`` moves codes, ``beta |z - sg(e)|^2`` commits latents. A codebook of running means
    (appendix A.1 there) has no loss: N <- decay N + (1 - decay) n and m <- decay m + (1 - decay) sum z for the n
    latents of a code, which is m / N. It moves once in each update of G, for each part of its batch. Codes that have
    not been used for long stay where they are.

    With `normalise` latents and codes are divided by their lengths (Yu et al. 2022, ViT-VQGAN, arXiv:2110.04627,
    section 3.2). With `keep_lengths` only the comparison is of directions: a latent becomes the code itself, as in the
    authors' code of DAC (Kumar et al. 2023, arXiv:2306.06546, section 3.2).

    Args:
        codes: The number of codes.
        width: The length of a code.
        average: Whether codes are running means; if not, they are parameters.
        normalise: Whether latents and codes are compared by their directions, and a latent becomes a direction.
        keep_lengths: Whether, with `normalise`, latents and codes keep their lengths after the comparison.
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
        keep_lengths: bool = False,
        beta: float = 0.25,
        decay: float = 0.99,
    ) -> None:
        super().__init__()
        self.normalise, self.keep_lengths, self.beta, self.decay = normalise, keep_lengths, beta, decay
        first = torch.empty(codes, width).uniform_(-1 / codes, 1 / codes)
        self.average = average
        self.track_running_stats = average  # the engine switches it off for further forwards, as BatchNorm's
        if average:
            self.register_buffer("codebook", first)
            self.register_buffer("counts", torch.ones(codes))
            self.register_buffer("sums", first.clone())
        else:
            self.codebook = nn.Parameter(first)

    def forward(self, x: Tensor, counted: Tensor | None = None) -> Bottleneck:
        """Return the codes nearest to latents ``[N, width, ...]``.

        Args:
            x: The latents that are quantised.
            counted: The weight of each sample in the losses, ``[N]``; None for 1.
        """
        z, nearest, codes, latents = self.quantise(x)
        if not self.training:
            return Bottleneck(latents)
        losses = {"commitment": self.beta * _average((z - codes.detach()).square(), counted)}
        if not self.average:
            losses["codebook"] = _average((codes - z.detach()).square(), counted)
        every = torch.arange(len(self.codebook), device=x.device)
        chosen = (nearest[:, None] == every).to(z.dtype)  # [N ..., codes]
        if self.average and self.track_running_stats and torch.is_grad_enabled() and x.requires_grad:  # G learns
            self._move_codes(chosen, z.detach())
        shares = chosen.mean(0)
        entropy = -torch.xlogy(shares, shares).sum()
        return Bottleneck(latents, losses, {"perplexity": entropy.exp(), "usage": (shares > 0).to(z.dtype).mean()})

    def quantise(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the vectors of latents ``[N, width, ...]``, their codes, and the new latents.

        The results are the vectors ``[M, width]`` of the M places of all samples, the numbers of the nearest codes
        ``[M]``, these codes ``[M, width]``, and the same as latents ``[N, width, ...]``, with the straight-through
        gradient. Vectors and codes are directions if latents become directions.
        """
        z, book = x.movedim(1, -1).reshape(-1, x.shape[1]).to(self.codebook.dtype), self.codebook
        directions = (F.normalize(z), F.normalize(book)) if self.normalise else (z, book)
        nearest = find_nearest(*directions)
        z, book = (z, book) if self.keep_lengths else directions
        codes = F.embedding(nearest, book)
        passed = z + (codes - z).detach()
        return z, nearest, codes, passed.to(x.dtype).view(len(x), *x.shape[2:], -1).movedim(-1, 1)

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


def _average(squares: Tensor, counted: Tensor | None) -> Tensor:
    """Return the mean of squares ``[M, width]``, in which each of the N samples has the weight ``counted [N]``."""
    return squares.mean() if counted is None else (squares.view(len(counted), -1).mean(1) * counted).mean()
