"""D's outputs as the terms of its logits read them."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.layers import logits
from ganzoo.plugin import DiscriminatorOutput


def join_logits(output: DiscriminatorOutput | None) -> Tensor:
    """Return all logits of an output, ``[N, P]``.

    Raises:
        ValueError: The output is missing, as for real samples in G's update.
    """
    if output is None:
        raise ValueError("this term needs the step of D's update, which has D's outputs for real and for fake samples")
    return torch.cat(logits(output), 1)
