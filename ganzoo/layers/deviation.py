"""The minibatch standard deviation (Karras, Aila, Laine & Lehtinen 2018, arXiv:1710.10196, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.layers._precision import full


def minibatch_deviation(x: Tensor, group: int = 4, channels: int = 1) -> Tensor:
    """Return ``[N, C + channels, H, W]``: maps ``x [N, C, H, W]`` with how much samples differ behind them.

    In each group of samples the standard deviation of every feature is taken, and the mean of those over positions and
    features stands in the further map of all its samples; so D sees when fakes lack variation. Groups keep this
    independent of the batch's size (Karras et al. 2020, arXiv:1912.04958).

    It couples the samples of a batch: the architecture declares ``provides=("batch-coupled-d",)``.

    Args:
        x: The maps.
        group: Samples of a group. Where it does not divide N, the largest size below that does, unless that is 1: then
            the smallest above 1 that does.
        channels: Of the further maps; the features are split among them. It divides C.

    Raises:
        ValueError: `channels` does not divide C.
    """
    n, width, height, breadth = x.shape
    if width % channels:
        raise ValueError(f"{channels} maps of deviation do not divide {width} channels")
    size = _group_size(n, group)
    y = full(x).reshape(size, -1, channels, width // channels, height, breadth)  # sample i is in group i mod (N / size)
    spread = (y - y.mean(0)).square().mean(0)  # [N / size, channels, C / channels, H, W]
    mean = (spread + 1e-8).sqrt().mean((2, 3, 4))  # [N / size, channels]
    maps = mean.repeat(size, 1)[:, :, None, None].expand(-1, -1, height, breadth)  # [N, channels, H, W]
    return torch.cat([x, maps.to(x.dtype)], 1)


def _group_size(n: int, group: int) -> int:
    """Return how many samples of a batch of `n` stand in a group."""
    below = max(size for size in range(1, min(group, n) + 1) if n % size == 0)
    return below if below > 1 or group == 1 or n == 1 else min(size for size in range(2, n + 1) if n % size == 0)
