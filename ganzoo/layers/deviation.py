"""The minibatch standard deviation (Karras, Aila, Laine & Lehtinen 2018, arXiv:1710.10196, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.compute.device import to_float32


def minibatch_deviation(x: Tensor, group: int = 4, channels: int = 1) -> Tensor:
    """Return ``[N, C + channels, H, W]``: maps ``x [N, C, H, W]`` with maps of the deviation between samples appended.

    In each group of samples the standard deviation of every feature is computed. Its mean over positions and features
    fills the appended map of all samples of the group, so D sees when fakes lack variation. Groups make the result
    independent of the batch's size (Karras et al. 2020, arXiv:1912.04958).

    The function couples the samples of a batch; an architecture with it declares ``provides=("batch-coupled-d",)``.

    Args:
        x: The maps of a batch, ``[N, C, H, W]``.
        group: Number of samples in a group. Where it does not divide N, the largest smaller number that divides N is
            taken; if that is 1, the smallest number above 1 that divides N.
        channels: Number of appended maps. It divides C; the features are split among the maps.

    Raises:
        ValueError: `channels` does not divide C.
    """
    n, width, height, breadth = x.shape
    if width % channels:
        raise ValueError(f"{channels} maps of deviation do not divide {width} channels")
    size = _group_size(n, group)
    # sample i is in group i mod (N / size)
    y = to_float32(x).reshape(size, -1, channels, width // channels, height, breadth)
    spread = (y - y.mean(0)).square().mean(0)  # [N / size, channels, C / channels, H, W]
    mean = (spread + 1e-8).sqrt().mean((2, 3, 4))  # [N / size, channels]
    maps = mean.repeat(size, 1)[:, :, None, None].expand(-1, -1, height, breadth)  # [N, channels, H, W]
    return torch.cat([x, maps.to(x.dtype)], 1)


def _group_size(n: int, group: int) -> int:
    """Return the number of samples in a group of a batch of `n`."""
    below = max(size for size in range(1, min(group, n) + 1) if n % size == 0)
    return below if below > 1 or group == 1 or n == 1 else min(size for size in range(2, n + 1) if n % size == 0)
