"""Convolutions as products: the same function and the same derivatives as torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganzoo.layers import ProductConv2d, ProductConvTranspose2d, products
from ganzoo.layers.products import _convolve_by_product, _transpose_by_product

FORMS = [(4, 2, 1), (3, 1, 1), (3, 2, 0), (4, 1, 0), (1, 1, 0), (2, 3, 1)]  # kernel, stride, padding


def derive(call, layer, x: Tensor, penalised: bool) -> list[Tensor]:
    """Return a layer's output with its gradients, or with those of a penalty on the gradient by the input."""
    x = x.clone().requires_grad_()
    y = call(x)
    loss = y.tanh().square().sum()
    if penalised:
        loss = torch.autograd.grad(loss, x, create_graph=True)[0].square().sum()
    return [y, *torch.autograd.grad(loss, [x, *layer.parameters()])]


@pytest.mark.parametrize(("kernel", "stride", "padding"), FORMS)
@pytest.mark.parametrize("penalised", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_a_product_equals_the_convolution(kernel, stride, padding, penalised, bias):
    x = torch.randn(2, 3, 7, 5, dtype=torch.float64)
    for kind, by_product in ((nn.Conv2d, _convolve_by_product), (nn.ConvTranspose2d, _transpose_by_product)):
        layer = kind(3, 4, kernel, stride, padding, bias=bias).double()
        wanted = derive(layer, layer, x, penalised)
        found = derive(lambda given, layer=layer, by=by_product: by(layer, given), layer, x, penalised)
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "channels", "size", "wanted"),
    [
        (ProductConv2d, 256, 8, True),
        (ProductConv2d, 256, 16, False),  # many pixels
        (ProductConv2d, 8, 8, False),  # few weights
        (ProductConvTranspose2d, 256, 4, True),
        (ProductConvTranspose2d, 256, 8, False),
    ],
)
def test_a_product_is_used_where_it_is_faster(monkeypatch, kind, channels, size, wanted):
    monkeypatch.setattr(products, "multiplies_fast", lambda: True)
    used = []
    for name in ("_convolve_by_product", "_transpose_by_product"):
        usual = getattr(products, name)
        monkeypatch.setattr(products, name, lambda *given, usual=usual: used.append(1) or usual(*given))
    layer, x = kind(channels, 128, 4, 2, 1), torch.randn(1, channels, size, size)
    y = layer(x)
    assert bool(used) == wanted
    with torch.no_grad():
        torch.testing.assert_close(y, layer(x), rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
    assert len(used) == wanted, "without gradients and in half precision it is torch's"
