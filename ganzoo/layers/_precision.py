"""In what numbers a layer computes where the network's own would be too coarse."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full(x: Tensor) -> Tensor:
    """Return a tensor in float32; float64 stays."""
    return x if x.dtype == torch.float64 else x.float()


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which autocast leaves products as they are; the meta device, which has none, needs none."""
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)
