"""Higher precision for the parts of a layer where the network's own dtype would be too coarse."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def to_float32(x: Tensor) -> Tensor:
    """Return a tensor in float32; a float64 tensor stays float64."""
    return x if x.dtype == torch.float64 else x.float()


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return a context with autocast off. The meta device does not have autocast, so its context does nothing."""
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)
