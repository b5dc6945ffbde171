"""Thin products of a compiled update, written as sums, which the compiler fuses with the operations around them.

A library call costs a few microseconds, however small its matrices. In a network of linear layers the first and the
last ones often have one or two inputs or outputs: then a sum of products of vectors is faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

THIN = 2  # the largest extent that makes a product thin; measured on a CPU with AVX-512
FLOATS = (torch.float32, torch.float64)  # in half precision a library sums in float32, and these sums would not


def list_thin_products() -> dict[Any, Callable[..., Any]]:
    """Return functions for the products of a trace, by operator. They return NotImplemented for all but thin ones."""
    return {torch.ops.aten.mm.default: multiply, torch.ops.aten.addmm.default: multiply_and_add}


def multiply(a: Tensor, b: Tensor) -> Any:
    """Return the product of ``[m, k]`` and ``[k, n]`` as sums, if m, k or n is at most `THIN` on the CPU."""
    (m, k), n = a.shape, b.shape[1]
    if a.device.type != "cpu" or a.dtype not in FLOATS or not 0 < min(m, k, n) <= THIN:
        return NotImplemented
    if k <= THIN:
        terms = [a[:, i, None] * b[i] for i in range(k)]
        return terms[0] if k == 1 else terms[0] + terms[1]
    if n <= THIN:
        return torch.stack([(a * b[:, i]).sum(1) for i in range(n)], 1)
    return torch.stack([(a[i, :, None] * b).sum(0) for i in range(m)])


def multiply_and_add(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Any:
    """Return ``c + a @ b``, as `multiply`."""
    product = multiply(a, b) if beta == alpha == 1 else NotImplemented
    return product if product is NotImplemented else c + product
