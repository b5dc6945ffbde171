"""Residual quantisation: each codebook quantises what the ones before it left."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ganzoo.layers import Bottleneck, VectorQuantiser


class ResidualQuantiser(nn.Module):
    """Latents ``[N, channels, frames]`` to the sum of one code of each codebook.

    Kumar et al. 2023, arXiv:2306.06546, sections 3.2 and 3.3: the search is in a space of few dimensions and by
    directions, so that nearly all codes are used. In train mode a share of the samples has only the first n codebooks,
    n uniform from 1 to all of them, so that the decoder learns every bit rate. Their losses count no further codebook.

    Args:
        num: The number of codebooks.
        codes: The number of codes of each.
        channels: The number of channels of the latents.
        width: The length of a code.
        dropout: The probability that a sample has fewer codebooks.
        beta: The weight of the commitment of latents to their codes.
    """

    def __init__(self, num: int, codes: int, channels: int, width: int, dropout: float, beta: float) -> None:
        super().__init__()
        self.dropout, self.bits = dropout, math.log2(codes)
        self.stages = nn.ModuleList(Stage(codes, channels, width, beta) for _ in range(num))

    def forward(self, x: Tensor) -> Bottleneck:
        """Return latents of the same shape; in train mode also the losses, each a sum over the codebooks.

        ``usage`` is the mean share of a codebook's codes that the batch uses, and ``efficiency`` the entropy of the
        codes in the batch, divided by the bits that they have (section 4.4).
        """
        kept = self.draw_kept(x) if self.training else None
        total, left, found = torch.zeros_like(x), x, list[Bottleneck]()
        for number, stage in enumerate(self.stages):
            counted = None if kept is None else (number < kept).to(x.dtype)  # [N]
            found.append(stage(left, counted))
            step = found[-1].latents
            step = step if counted is None else step * counted[:, None, None]
            total, left = total + step, left - step
        if not self.training:
            return Bottleneck(total)
        losses = {key: torch.stack([each.losses[key] for each in found]).sum() for key in found[0].losses}
        usage, perplexity = (torch.stack([each.report[key] for each in found]) for key in ("usage", "perplexity"))
        efficiency = perplexity.log2().mean() / self.bits
        return Bottleneck(total, losses, {"usage": usage.mean(), "efficiency": efficiency})

    def draw_kept(self, x: Tensor) -> Tensor:
        """Return how many codebooks each sample of a batch has, int64 ``[N]``."""
        num = len(self.stages)
        fewer = torch.randint(1, num + 1, (len(x),), device=x.device)
        return torch.where(torch.rand(len(x), device=x.device) < self.dropout, fewer, num)

    def find_codes(self, x: Tensor) -> Tensor:
        """Return the numbers of the codes of latents, int64 ``[N, codebooks, frames]``."""
        left, numbers = x, []
        for stage in self.stages:
            assert isinstance(stage, Stage)
            nearest = stage.book.quantise(stage.narrow(left))[1]
            numbers.append(nearest.view(len(x), -1))
            left = left - stage(left).latents
        return torch.stack(numbers, 1)

    def sum_codes(self, numbers: Tensor) -> Tensor:
        """Return the latents of codes ``[N, codebooks, frames]``, of all codebooks or of the first ones."""
        steps = []
        for stage, own in zip(self.stages, numbers.unbind(1), strict=False):
            assert isinstance(stage, Stage)
            steps.append(stage.widen(nn.functional.embedding(own, stage.book.codebook).movedim(2, 1)))
        return torch.stack(steps).sum(0)


class Stage(nn.Module):
    """One codebook, whose codes are short: a convolution of one frame before it and one after it."""

    def __init__(self, codes: int, channels: int, width: int, beta: float) -> None:
        super().__init__()
        self.narrow = weight_norm(nn.Conv1d(channels, width, 1))
        self.book = VectorQuantiser(codes, width, normalise=True, keep_lengths=True, beta=beta)
        nn.init.normal_(self.book.codebook)
        self.widen = weight_norm(nn.Conv1d(width, channels, 1))

    def forward(self, x: Tensor, counted: Tensor | None = None) -> Bottleneck:
        """Return the codes nearest to latents ``[N, channels, frames]``; `counted` is as in `VectorQuantiser`."""
        found: Bottleneck = self.book(self.narrow(x), counted)
        return Bottleneck(self.widen(found.latents), found.losses, found.report)
