"""The embedding of a discriminator, for regularizers with heads of their own on it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, DiscriminatorOutput, UsageError


@torch.no_grad()
def measure_embedding(discriminator: nn.Module, data: DataInfo) -> Tensor:
    """Return the embedding ``[2, E]`` of two samples of zeros, which has the length, dtype and device of all others.

    It is for `prepare` of a regularizer. The discriminator computes in eval mode, so that its buffers do not change.

    Args:
        discriminator: The discriminator, on any device, meta included.
        data: A description of its samples and labels, as the regularizer's factory got it.

    Raises:
        UsageError: The discriminator returns no embedding with a row for each sample.
    """
    one = next(discriminator.parameters())
    x = torch.zeros(2, *data.shape, dtype=one.dtype, device=one.device)
    labels = torch.zeros(2, *data.label_shape, dtype=one.dtype, device=one.device) if data.label_shape else None
    labels = torch.zeros(2, dtype=torch.int64, device=one.device) if data.num_classes else labels
    modes = [(module, module.training) for module in discriminator.modules()]
    try:
        return require_embedding(discriminator.eval()(x, labels), 2)
    finally:
        for module, training in modes:
            module.training = training


def require_embedding(output: DiscriminatorOutput | None, num: int) -> Tensor:
    """Return the embedding ``[N, E]`` of a discriminator's output for N samples.

    Args:
        output: The output; None where the discriminator was not called.
        num: The number of samples, N.

    Raises:
        UsageError: The embedding is missing, or it does not have N rows.
    """
    found = output.embedding if isinstance(output, DiscriminatorOutput) else None
    if found is None or len(found) != num:
        shape = "no embedding" if found is None else f"an embedding {list(found.shape)} for {num} samples"
        raise UsageError(f"this discriminator returns {shape}: choose another arch, or remove the head that reads it")
    return found
