"""The logits of a discriminator's output, whatever its form, and their gradients by the samples."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.compute.device import to_float32
from ganzoo.plugin import DiscriminatorOutput


def logits(output: DiscriminatorOutput | Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Return the logits of a discriminator's output as a list of ``[N, P]``, one for each scale or discriminator.

    Args:
        output: The output: ``[N]``, ``[N, 1]``, a patch map ``[N, 1, H, W]``, a list of these, or a
            `DiscriminatorOutput` of them. P is the product of all dimensions after N.

    Returns:
        Logits in float32, the dtype of the losses; float64 stays float64.
    """
    answer = output.logits if isinstance(output, DiscriminatorOutput) else output
    members = [answer] if isinstance(answer, Tensor) else answer
    return [to_float32(member).reshape(len(member), -1) for member in members]


def sum_of_logits(output: DiscriminatorOutput | Tensor | Sequence[Tensor]) -> Tensor:
    """Return f ``[N]``: the sum of all logits of each sample, over patches and scales."""
    return torch.cat(logits(output), 1).sum(1)


def input_gradients(
    output: DiscriminatorOutput | Tensor | Sequence[Tensor], inputs: Tensor, create_graph: bool = True
) -> Tensor:
    """Return the gradients of each sample's `sum_of_logits` by that sample, in the shape of the inputs.

    The sum over the batch is differentiated once. This gives each sample its own gradient where D's output for a sample
    depends on no other sample (Mescheder et al. 2018, arXiv:1801.04406, eq. 9; Gulrajani et al. 2017, arXiv:1704.00028,
    eq. 3).

    Args:
        output: D's output, in any form that `logits` takes.
        inputs: The samples ``[N, ...]`` that D was given; they require grad.
        create_graph: Whether the gradients can be differentiated again, as a penalty needs.

    Raises:
        RuntimeError: The output does not depend on the inputs.
    """
    gradients: tuple[Tensor, ...] = torch.autograd.grad(sum_of_logits(output).sum(), inputs, create_graph=create_graph)
    return gradients[0]
