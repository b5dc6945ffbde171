"""Structures of tensors, and gradients by some of them: for functions of autograd that call parts of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

Values = Sequence[Tensor | None]


def split_tensors(structure: Any) -> tuple[list[Any], Any, list[Tensor]]:
    """Split a structure into its leaves, with the class `Tensor` in place of each tensor; its form; and its tensors."""
    leaves, form = tree_flatten(structure)
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    return [Tensor if isinstance(leaf, Tensor) else leaf for leaf in leaves], form, tensors


def join_tensors(kept: list[Any], form: Any, tensors: Sequence[Tensor]) -> Any:
    """Return the structure that `split_tensors` split, with these tensors."""
    rest = iter(tensors)
    return tree_unflatten([next(rest) if leaf is Tensor else leaf for leaf in kept], form)


def differentiate_needed(
    outputs: Values,
    slopes: Values,
    variables: Values,
    needed: Sequence[bool],
    twice: bool = False,
    keep_graph: bool = False,
) -> list[Tensor | None]:
    """Return the gradients of the sum of all products of an output and its slope, by some variables.

    Args:
        outputs: The outputs; one without a graph, or None, is skipped.
        slopes: The factor of each output; None for 0.
        variables: The variables, or None.
        needed: Whether the gradient by each variable is needed.
        twice: Whether the gradients can be differentiated.
        keep_graph: Whether the outputs can be differentiated again.

    Returns:
        A gradient for each variable; None where it is 0 or not needed.
    """
    pairs = [(y, slope) for y, slope in zip(outputs, slopes, strict=True) if slope is not None]
    graphs = [(y, slope) for y, slope in pairs if y is not None and y.requires_grad]
    asked = [variable for variable, need in zip(variables, needed, strict=True) if need and variable is not None]
    if not graphs or not asked:
        return [None] * len(variables)
    ys, given = zip(*graphs, strict=True)
    found = iter(torch.autograd.grad(ys, asked, given, keep_graph or twice, twice, allow_unused=True))
    return [next(found) if need and v is not None else None for v, need in zip(variables, needed, strict=True)]
