"""The movement of weights, on paths that are known."""

from __future__ import annotations

import pytest
import torch

from ganzoo.health import movement
from ganzoo.health.movement import Movement


def move(weights: list[torch.Tensor], *changes: float) -> list[dict[str, float]]:
    followed, found = Movement(weights), []
    for change in changes:
        for weight in weights:
            weight.data += change
        found.append({name: value.item() for name, value in followed.measure(updates=4).items()})
    return found


def test_a_straight_path_travels_and_one_to_and_fro_does_not():
    weights = [torch.ones(3, requires_grad=True), torch.ones(2, 2, requires_grad=True)]
    there, back, on = move(weights, 1.0, -1.0, 2.0)
    assert there["norm"] == pytest.approx(2 * 7**0.5)
    assert there["step"] == pytest.approx(7**0.5 / (4 * 2 * 7**0.5))
    assert there["travel"] == pytest.approx(1)
    assert back["travel"] == 0
    assert on["travel"] == pytest.approx(2 / 4)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_of_a_large_network_some_weights_are_followed(monkeypatch, layout):
    monkeypatch.setattr(movement, "CHOSEN", 500)
    weight = torch.randn(16, 8, 5, 5, generator=torch.Generator().manual_seed(0)).to(memory_format=layout)
    weights = [weight, torch.ones(9)[::2]]
    (found,) = move(weights, 0.5)
    assert len(Movement(weights).start) == pytest.approx(500, rel=0.1)
    whole = torch.cat([each.reshape(-1) for each in weights])
    assert found["norm"] == pytest.approx(whole.norm().item(), rel=1e-6)
    assert found["step"] == pytest.approx(0.5 * len(whole) ** 0.5 / whole.norm().item() / 4, rel=0.1)
