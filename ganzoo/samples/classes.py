"""The classes of samples that nobody chose classes for."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo

GOLDEN = 0.6180339887498949  # (sqrt(5) - 1) / 2, whose multiples are spread most evenly modulo 1


def spread_classes(num: int, data: DataInfo) -> Tensor:
    """Return the classes of `num` samples, int64 ``[num]``; the first ones do not depend on `num`.

    All classes take turns, unless the data say how frequent each class is (`DataInfo.class_shares`). Then each class
    has its share of any number of samples, up to a few: the shares lie one after the other from 0 to 1, and the i-th
    sample has the class at the fraction of (i + 1/2) times the golden ratio.
    """
    index = torch.arange(num)
    if not data.class_shares:
        return index % data.num_classes
    limits = torch.tensor(data.class_shares, dtype=torch.float64).cumsum(0)
    places = ((index.double() + 0.5) * GOLDEN).frac() * limits[-1]
    return torch.searchsorted(limits, places, right=True).clamp_(max=data.num_classes - 1)
