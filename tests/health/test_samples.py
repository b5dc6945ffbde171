"""What generated samples have in common with real ones, on samples that are made for it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganzoo.health.samples import RealStatistics

GENERATOR = torch.Generator()
SHAPES = {"image": (3, 16, 12), "points": (2,), "tabular": (5,), "text": (7, 10), "audio": (1, 9000)}


@pytest.fixture(autouse=True)
def seed() -> None:
    GENERATOR.manual_seed(0)


def draw(modality: str = "image", num: int = 64) -> Tensor:
    return torch.randn(num, *SHAPES[modality], generator=GENERATOR) / 4


def compare(real: Tensor, fake: Tensor, modality: str = "image") -> dict[str, float]:
    return {name: value.item() for name, value in RealStatistics(real, modality).compare(fake).items()}


@pytest.mark.parametrize("modality", SHAPES)
def test_samples_of_the_same_distribution_look_like_real_ones(modality):
    found = compare(draw(modality), draw(modality), modality)
    everywhere = {"pairwise", "duplicates"}
    channels = set() if modality == "text" else {"std_ratio", "mean_shift"}
    assert found.keys() == everywhere | channels | ({"saturation", "high_band"} if modality == "image" else set())
    assert found["pairwise"] == pytest.approx(1, abs=0.3)
    assert found["duplicates"] < 0.1
    if channels:
        assert found["std_ratio"] == pytest.approx(1, abs=0.3)
        assert found["mean_shift"] < 0.3
    if modality == "image":
        assert abs(found["saturation"]) < 0.01
        assert found["high_band"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("modality", SHAPES)
def test_collapsed_samples_have_no_distance(modality):
    real = draw(modality)
    assert compare(real, real[:1].expand_as(real), modality)["pairwise"] == 0
    found = compare(real, real[:8].repeat(8, *(1 for _ in SHAPES[modality])), modality)
    assert found["duplicates"] == 1
    assert found["pairwise"] == pytest.approx(1 - 7 / 63, abs=0.1)  # few modes, far from each other


def test_columns_count_alike_and_constant_ones_do_not_count():
    real = draw("tabular") * torch.tensor([1.0, 1000.0, 1e-3, 1.0, 0.0])
    std = real.std(0, correction=0)
    fake = real * torch.tensor([2.0, 1.0, 1.0, 1.0, 1.0]) + 3 * std * torch.tensor([0.0, 0.0, 1.0, 0.0, 1.0])
    found = compare(real, fake, "tabular")
    assert found["std_ratio"] == pytest.approx((2 + 1 + 1 + 1) / 4, rel=1e-3)
    shift = real[:, 0].mean().abs() / std[0]
    assert found["mean_shift"] == pytest.approx((shift.item() + 3) / 4, rel=1e-3)
    changed = real.clone()
    changed[:, 1] += std[1]
    difference = RealStatistics(real, "tabular").measure_difference(real, changed)
    assert difference.item() == pytest.approx(math.sqrt(1 / 5), rel=1e-3)


def test_saturated_numbers_and_checkerboards_are_found():
    real = draw()
    found = compare(real, torch.where(draw() > 0, 1.0, -1.0))
    assert found["saturation"] == pytest.approx(1, abs=1e-3)
    rows, columns = torch.arange(16)[:, None], torch.arange(12)
    board = 1.0 - 2.0 * ((rows + columns) % 2)
    energy = real.square().mean().item()
    assert compare(real, real + board)["high_band"] == pytest.approx((energy + 4) / energy, rel=0.05)
    smooth = torch.linspace(-1, 1, 12).expand_as(real)
    assert compare(real, smooth)["high_band"] < 1e-3


def test_a_pattern_that_nobody_sees_is_not_compared_with_none():
    real = torch.randn(64, 1, 4, 4, generator=GENERATOR).repeat_interleave(4, 2).repeat_interleave(4, 3)
    board = 1 - 2 * ((torch.arange(16)[:, None] + torch.arange(16)) % 2)
    found = [compare(real, real + strength * board)["high_band"] for strength in (0.01, 0.1)]
    assert found[0] < 0.1  # an infinite share of the energy of smooth images
    assert found[1] > 3


def test_what_cannot_be_measured_is_not_finite():
    same = draw("points", 1).expand(64, -1)
    found = compare(same, draw("points"), "points")
    assert not math.isfinite(found["pairwise"])
    assert not math.isfinite(found["std_ratio"])
    assert "high_band" not in compare(draw()[..., :3, :3], draw()[..., :3, :3])
