"""Top-k training: only the fakes that D scores highest train G (Sinha et al. 2020, arXiv:2002.06224)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.engine.distributed import World
from ganzoo.engine.reals import take_slice
from ganzoo.layers import logits
from ganzoo.plugin import DiscriminatorOutput


def keep_best_fakes(fake: DiscriminatorOutput, share: float | Tensor, world: World) -> DiscriminatorOutput:
    """Return D's output for fakes with the same logits, of which only those of the best fakes have a gradient.

    The best fakes are the k with the highest mean logits, over patches, scales and discriminators. Their gradients are
    multiplied by N / k, so a mean over N logits has the gradient of the mean over the best k (eq. 3). k is a tensor
    where the share is scheduled, so the update can be recorded.

    Args:
        fake: D's output for the fakes of this rank.
        share: k / N, where k is rounded to a whole number of at least 1. With 1.0 the output is unchanged.
        world: The processes whose fakes are compared.
    """
    if isinstance(share, float) and share == 1:
        return fake
    scores = world.gather(torch.cat(logits(fake), 1).mean(1).detach())  # [N], of the total batch
    ranks = scores.argsort(descending=True, stable=True).argsort()  # [N], 0 for the best fake
    kept = (ranks + 0.5 < share * len(ranks)) | (ranks == 0)
    factor = take_slice(kept * (len(ranks) / kept.sum()), world)  # [n], N / k or 0

    def select(each: Tensor) -> Tensor:
        by_sample = factor.reshape(-1, *[1] * (each.dim() - 1)).to(each.dtype)
        return each.detach() + (each - each.detach()) * by_sample

    answer = fake.logits
    return replace(fake, logits=select(answer) if isinstance(answer, Tensor) else [select(each) for each in answer])
