"""Second derivatives of convolutions: torch's values, in few kernels, for every form of convolution."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from counting import Counting
from devices import CPU, DEVICES
from ganzoo.compute.convolution import direct_second_derivatives

FORMS: dict[str, tuple[type[nn.Module], dict[str, Any], int]] = {
    "1x1": (nn.Conv2d, {"kernel_size": 1}, 2),
    "3x3": (nn.Conv2d, {"kernel_size": 3, "padding": (1, 0)}, 2),
    "grouped": (nn.Conv2d, {"kernel_size": 3, "padding": 1, "groups": 4}, 2),
    "depthwise": (nn.Conv2d, {"kernel_size": (2, 3), "groups": 8}, 2),
    "strided": (nn.Conv2d, {"kernel_size": 3, "stride": (2, 1), "padding": 1, "groups": 2, "bias": False}, 2),
    "dilated": (nn.Conv2d, {"kernel_size": 3, "dilation": 2, "groups": 2}, 2),
    "reflected": (nn.Conv2d, {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"}, 2),
    "same": (nn.Conv2d, {"kernel_size": 5, "padding": "same", "groups": 2}, 2),
    "transposed": (nn.ConvTranspose2d, {"kernel_size": 4, "stride": 2, "padding": 1, "groups": 2}, 2),
    "padded output": (nn.ConvTranspose2d, {"kernel_size": 3, "stride": 3, "output_padding": 1}, 2),
    "1-D": (nn.Conv1d, {"kernel_size": 5, "padding": 2, "groups": 2}, 1),
    "3-D": (nn.Conv3d, {"kernel_size": 2, "groups": 4}, 3),
}


def differentiate(
    layer: nn.Module, x: Tensor, outer: AbstractContextManager[None], inner: AbstractContextManager[Any]
) -> tuple[list[Tensor], int]:
    """Return second and third derivatives of a layer's output, and the number of convolutions of the second ones."""
    variables = [x, *layer.parameters()]
    with inner:
        y = layer(x).pow(3)  # in double, its gradient depends on y
    first = torch.autograd.grad(y.sum(), variables, create_graph=True)
    with outer, Counting() as counted:
        second = torch.autograd.grad(sum(each.square().sum() for each in first), variables, create_graph=True)
    third = torch.autograd.grad(sum(each.square().sum() for each in second), variables)
    return [*second, *third], counted.convolutions


def build(form: str, dtype: torch.dtype = torch.float64, device: torch.device = CPU) -> tuple[nn.Module, Tensor]:
    kind, options, dimensions = FORMS[form]
    torch.manual_seed(0)
    x = torch.randn(3, 8, *[6] * dimensions, dtype=dtype, device=device, requires_grad=True)
    return kind(8, 8, **options).to(device, dtype), x


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"padded output"}))  # there torch's third derivatives fail
@pytest.mark.parametrize("device", DEVICES)
def test_second_and_third_derivatives_are_torchs(form: str, device: torch.device) -> None:
    layer, x = build(form, device=device)
    wanted, _ = differentiate(layer, x, nullcontext(), nullcontext())
    found, convolutions = differentiate(layer, x, direct_second_derivatives(), nullcontext())
    for mine, torchs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, torchs, rtol=1e-12, atol=1e-12 * torchs.abs().max().item())
    assert convolutions == 5  # two for ds/dg, one each for ds/dx and ds/dw, and the first backward of the layer


def test_torchs_own_formula_takes_each_group_alone() -> None:
    layer, x = build("depthwise")
    assert differentiate(layer, x, nullcontext(), nullcontext())[1] > 8


@pytest.mark.parametrize("form", ["grouped", "padded output"])
def test_gradients_of_gradients_are_differences(form: str) -> None:
    layer, x = build(form)
    names, values = zip(*layer.named_parameters(), strict=True)

    def call(x: Tensor, *values: Tensor) -> Any:
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), x)

    with direct_second_derivatives():
        assert torch.autograd.gradgradcheck(call, (x, *values), fast_mode=True)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_under_autocast_and_channels_last_they_are_torchs(layout: torch.memory_format) -> None:
    layer, x = build("grouped", torch.float32)
    layer, x = layer.to(memory_format=layout), x.detach().contiguous(memory_format=layout).requires_grad_()
    contexts = (nullcontext(), direct_second_derivatives())
    wanted, found = (differentiate(layer, x, each, torch.autocast("cpu", torch.bfloat16))[0] for each in contexts)
    for mine, torchs in zip(found, wanted, strict=True):
        assert mine.dtype == torchs.dtype
        torch.testing.assert_close(mine, torchs, rtol=0, atol=0.02 * torchs.abs().max().item())


def test_after_the_block_torch_is_as_before_even_where_it_failed() -> None:
    layer, x = build("grouped")
    before = differentiate(layer, x, nullcontext(), nullcontext())[1]
    with pytest.raises(ZeroDivisionError), direct_second_derivatives():
        1 / 0  # noqa: B018
    assert differentiate(layer, x, nullcontext(), nullcontext())[1] == before
    with direct_second_derivatives():
        with direct_second_derivatives():  # the inner block does not end the outer one
            pass
        assert differentiate(layer, x, nullcontext(), nullcontext())[1] == 5
    assert differentiate(layer, x, nullcontext(), nullcontext())[1] == before
