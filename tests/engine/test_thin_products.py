"""Thin products of a compiled update are sums, which equal the products."""

from __future__ import annotations

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from ganzoo.engine.thin_products import list_thin_products

PRODUCTS = {torch.ops.aten.mm.default, torch.ops.aten.addmm.default}


def count_products(graph: torch.fx.GraphModule) -> int:
    return sum(node.target in PRODUCTS for node in graph.graph.nodes)


@pytest.mark.parametrize(("m", "k", "n"), [(5, 1, 4), (5, 2, 4), (5, 4, 1), (5, 4, 2), (1, 4, 5), (2, 4, 5)])
def test_a_thin_product_becomes_a_sum(m, k, n):
    a, b, c = torch.randn(m, k).double(), torch.randn(k, n).double(), torch.randn(n).double()
    for product, given in ((torch.mm, (a, b)), (torch.addmm, (c, a, b))):
        graph = make_fx(product, decomposition_table=list_thin_products())(*given)
        assert count_products(graph) == 0
        torch.testing.assert_close(graph(*given), product(*given), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (torch.randn(4, 3), torch.randn(3, 5)),
        (torch.randn(4, 1).bfloat16(), torch.randn(1, 5).bfloat16()),  # a library sums it in float32
        (torch.randn(4, 0), torch.randn(0, 5)),
    ],
)
def test_other_products_stay(a, b):
    assert count_products(make_fx(torch.mm, decomposition_table=list_thin_products())(a, b)) == 1
