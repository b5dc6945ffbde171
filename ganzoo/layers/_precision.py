"""Higher precision for the parts of a layer where the network's own dtype would be too coarse."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return a context with autocast off. The meta device does not have autocast, so its context does nothing."""
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)
