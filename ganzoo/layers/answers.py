"""What a discriminator answers, whatever its form, and how that changes with the samples."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.layers._precision import full
from ganzoo.plugin import DiscriminatorOutput


def logits(output: DiscriminatorOutput | Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Return the logits of an answer as a list of ``[N, P]``, one for each scale or discriminator.

    Args:
        output: What a discriminator returned: ``[N]``, ``[N, 1]``, a patch map ``[N, 1, H, W]``, a list of such, or a
            `DiscriminatorOutput` of them. P is all that stands behind N.

    Returns:
        Float32, as losses compute; float64 stays.
    """
    answer = output.logits if isinstance(output, DiscriminatorOutput) else output
    members = [answer] if isinstance(answer, Tensor) else answer
    return [full(member).reshape(len(member), -1) for member in members]


def sum_of_logits(output: DiscriminatorOutput | Tensor | Sequence[Tensor]) -> Tensor:
    """Return f ``[N]``: the sum over all logits of each sample, patches and scales included."""
    return torch.cat(logits(output), 1).sum(1)


def input_gradients(
    output: DiscriminatorOutput | Tensor | Sequence[Tensor], inputs: Tensor, create_graph: bool = True
) -> Tensor:
    """Return the gradients of each sample's `sum_of_logits` by that sample, in the shape of the inputs.

    They are those of the sum over the batch, and so each sample's own where D takes the samples of a batch apart
    (Mescheder et al. 2018, arXiv:1801.04406, eq. 9; Gulrajani et al. 2017, arXiv:1704.00028, eq. 3).

    Args:
        output: What D answered, as `logits` takes it.
        inputs: ``[N, ...]``, the samples that D answered; they require grad.
        create_graph: Whether the gradients can be differentiated in turn, as a penalty needs it.

    Raises:
        RuntimeError: The answer does not depend on the inputs.
    """
    gradients: tuple[Tensor, ...] = torch.autograd.grad(sum_of_logits(output).sum(), inputs, create_graph=create_graph)
    return gradients[0]
