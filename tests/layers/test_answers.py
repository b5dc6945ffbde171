"""The logits of any form of output, and their gradients by the samples."""

from __future__ import annotations

import torch

from ganzoo.layers import input_gradients, logits, sum_of_logits
from ganzoo.plugin import DiscriminatorOutput


def test_logits_of_every_form_lead_with_n_and_are_float32() -> None:
    patches, plain = torch.randn(2, 1, 3, 3).bfloat16(), torch.randn(2, dtype=torch.float64)
    forms = {
        "vector": (torch.randn(2), [(2, 1)]),
        "column": (torch.randn(2, 1), [(2, 1)]),
        "patches": (patches, [(2, 9)]),
        "list": ([patches, plain], [(2, 9), (2, 1)]),
        "output": (DiscriminatorOutput([patches, plain]), [(2, 9), (2, 1)]),
    }
    for output, shapes in forms.values():
        assert [tuple(member.shape) for member in logits(output)] == shapes
    assert [member.dtype for member in logits([patches, plain])] == [torch.float32, torch.float64]


def test_gradients_are_of_the_sum_of_all_logits_of_each_sample() -> None:
    """f(x) = |x|^2 + sum(x) in two members: grad f = 2 x + 1, and the gradient of |grad f|^2 is 4 (2 x + 1)."""
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    answer = DiscriminatorOutput([x.square(), x.flatten(1).sum(1)])
    assert torch.allclose(sum_of_logits(answer), x.square().sum((1, 2)) + x.sum((1, 2)))
    slopes = input_gradients(answer, x)
    assert torch.allclose(slopes, 2 * x + 1)
    (second,) = torch.autograd.grad(slopes.square().sum(), x)
    assert torch.allclose(second, 4 * (2 * x + 1))
    assert not input_gradients(x.square(), x, create_graph=False).requires_grad
