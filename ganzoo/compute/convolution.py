"""Second derivatives of convolutions, which exact gradient penalties need, in as few kernels as first derivatives.

A convolution is linear in its input and linear in its weight. So each derivative of its gradients is a convolution of
other arguments, or a gradient of one. Torch computes the second derivative by the weight in another form: for each
group, it convolves the input with the gradient, which is a kernel as large as the map. An update of the discriminator
of `r3gan-cifar10` then has 1,794 convolutions, here 274 (``benchmarks/penalties.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.library import Library

FORMULA = "_convolution_double_backward"  # torch's operator for the gradients of `aten.convolution_backward`
DEVICES = ("AutogradCPU", "AutogradCUDA")  # faster on every CPU measured; unmeasured on CUDA


@contextmanager
def direct_second_derivatives() -> Iterator[None]:
    """A context in which all second derivatives of convolutions come from `differentiate_gradients`.

    It serves convolutions of any network, as a module or a function, transposed or not, in one dimension or more.
    Torch's own formula is an operator, which `torch.library` overrides for the block. Forwards and first derivatives
    stay torch's. Only the outer derivative of a penalty needs the block, not the penalty itself. A block inside another
    one, of this thread or another, does nothing.
    """
    if torch._C._dispatch_has_kernel_for_dispatch_key(f"aten::{FORMULA}", DEVICES[0]):
        yield
        return
    library = Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    try:
        for device in DEVICES:
            library.impl(FORMULA, differentiate_gradients, device)  # type: ignore[no-untyped-call]
        yield
    finally:
        del library  # this removes the override


def differentiate_gradients(
    by_input: Tensor | None,
    by_weight: Tensor | None,
    by_bias: Tensor | None,
    slope: Tensor,
    weight: Tensor,
    input: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    asked: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradients of a scalar s that depends on a convolution's gradients.

    Let y = x * w + b be the convolution and g = dL/dy. Its gradients are dL/dx = X(g, w), dL/dw = W(g, x) and dL/db,
    the sum of g. X and W are linear in both arguments. Let u, v and c be the gradients of s by these three. Then
    ds/dg = u * w + x * v + c, ds/dx = X(g, v) and ds/dw = W(g, u). Torch can differentiate all of them again.

    Args:
        by_input: u, of the shape of x; None if s does not depend on dL/dx.
        by_weight: v, of the shape of w; None if s does not depend on dL/dw.
        by_bias: c, one number for each channel of y; None if s does not depend on dL/db.
        slope: g, of the shape of y.
        weight: w, the weight of the convolution.
        input: x, the input of the convolution.
        stride: The convolution's stride in each dimension.
        padding: The convolution's padding in each dimension.
        dilation: The convolution's dilation in each dimension.
        transposed: Whether the convolution is transposed.
        output_padding: A transposed convolution's padding of y in each dimension.
        groups: The convolution's number of groups.
        asked: Whether ds/dg, ds/dx and ds/dw are needed.

    Returns:
        ds/dg, ds/dx and ds/dw, of the shapes of g, x and w; None for one that is 0 or not needed.
    """
    form = (stride, padding, dilation, transposed, output_padding, groups)
    convolve, differentiate = torch.ops.aten.convolution, torch.ops.aten.convolution_backward
    by_slope: Tensor | None = None
    by_input_again: Tensor | None = None
    by_weight_again: Tensor | None = None
    if asked[0]:
        terms: list[Tensor] = []
        if by_input is not None:
            terms.append(convolve(by_input, weight, None, *form))
        if by_weight is not None:
            terms.append(convolve(input, by_weight, None, *form))
        if by_bias is not None:
            terms.append(by_bias.view(-1, *[1] * (slope.dim() - 2)).expand_as(slope))
        by_slope = sum(terms[1:], terms[0]) if terms else None
    if asked[1] and by_weight is not None:
        by_input_again = differentiate(slope, input, by_weight, None, *form, [True, False, False])[0]
    if asked[2] and by_input is not None:
        by_weight_again = differentiate(slope, by_input, weight, None, *form, [False, True, False])[1]
    return by_slope, by_input_again, by_weight_again
