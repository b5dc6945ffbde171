"""pixel-moments against closed forms, with samples in batches and all at once."""

import math

import pytest
import torch

import ganzoo
from ganzoo_metrics.moments import pool


def measured(real, fake, sizes=(), **options):
    """Return the values of the metric for samples in batches of these sizes, and one batch of the rest."""
    metric = ganzoo.create("metric", "pixel-moments", **options)
    metric.reset()
    for give, samples in ((metric.real, real), (metric.fake, fake)):
        for batch in torch.split(samples, [*sizes, len(samples) - sum(sizes)]):
            give(batch)
    return metric.compute()


def near(value, tolerance=1e-9):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


SHAPES = {"image": (3, 8, 8), "large image": (1, 40, 36), "points": (2,), "table": (300,), "text": (5, 70)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_identical_sets_have_distance_zero(shape):
    x = torch.rand(50, *shape) * 2 - 1
    assert measured(x, x) == {"mean": 0, "std": 0, "fd": near(0, 1e-10)}
    assert measured(x, x.flip(0)) == {"mean": near(0), "std": near(0), "fd": near(0, 1e-10)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_streaming_equals_all_at_once(shape):
    real, fake = torch.rand(60, *shape) + 100, torch.randn(60, *shape) * 2 - 30  # far from 0 beside their spread
    assert measured(real, fake, (1, 7, 30, 2)) == near(measured(real, fake))


def test_mean_and_std_are_root_mean_squares_over_the_numbers_of_a_sample():
    real = torch.tensor([[0.0, 0.0], [2.0, 4.0]])  # means 1, 2; variances 2, 8
    fake = torch.tensor([[4.0, 5.0], [4.0, 7.0]])  # means 4, 6; variances 0, 2
    found = measured(real, fake)
    assert found["mean"] == near(math.sqrt((3**2 + 4**2) / 2))
    assert found["std"] == near(math.sqrt((math.sqrt(2) ** 2 + math.sqrt(2) ** 2) / 2))


def test_the_distance_of_gaussians_in_one_dimension():
    real = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)  # std sqrt 2
    assert measured(real, 3 * real + 1)["fd"] == near(1 + (2 * math.sqrt(2)) ** 2)
    assert measured(real, real + 5)["fd"] == near(25)


def test_pooling_takes_the_smallest_cells_that_are_allowed():
    assert pool(torch.zeros(2, 3, 8, 8), 192).shape == (2, 192)
    assert pool(torch.zeros(2, 3, 8, 8), 191).shape == (2, 48)
    assert pool(torch.zeros(2, 1, 28, 28), 256).shape == (2, 196)
    assert pool(torch.zeros(2, 5, 70), 256).shape == (2, 5 * 35)
    assert pool(torch.zeros(2, 300), 256).shape == (2, 150)
    assert pool(torch.zeros(2, 9, 4, 2), 1).shape == (2, 9)  # channels stay


def test_pooled_values_are_means_over_cells_those_at_the_edge_over_what_is_left():
    image = torch.arange(15.0).reshape(1, 1, 3, 5)
    assert pool(image, 6).tolist() == [[3.0, 5.0, 6.5, 10.5, 12.5, 14.0]]
    assert pool(torch.arange(5.0)[None], 2).tolist() == [[1.0, 3.5]]
    assert pool(torch.arange(10.0).reshape(1, 2, 5), 4).tolist() == [[1.0, 3.5, 6.0, 8.5]]


def test_mean_and_std_are_those_of_the_numbers_before_pooling():
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).expand(4, 1, 2, 2) * torch.ones(4, 1, 1, 1)
    found = measured(checks, -checks, dimensions=1)
    assert found == {"mean": 2.0, "std": 0.0, "fd": 0.0}


def test_memory_does_not_grow_with_the_samples():
    metric = ganzoo.create("metric", "pixel-moments")
    sizes = []
    for _ in range(3):
        metric.real(torch.randn(100, 1, 8, 8))
        kept = [value for part in metric.moments["real"] for value in vars(part).values()]
        sizes.append(sum(value.numel() for value in kept if isinstance(value, torch.Tensor)))
    assert sizes == [64 + 64 + 64 + 64**2] * 3


def test_a_reset_forgets():
    metric = ganzoo.create("metric", "pixel-moments")
    metric.real(torch.full((9, 2), 7.0))
    metric.reset()
    x = torch.randn(9, 2)
    metric.real(x)
    metric.fake(x)
    assert metric.compute()["mean"] == 0


def test_half_precision_is_summed_in_double():
    x = torch.randn(2000, 2).bfloat16()
    assert measured(x, x.double() + 1e-6) == {"mean": near(1e-6, 1e-10), "std": near(0), "fd": near(1e-12, 1e-10)}


def test_a_single_sample_has_no_variance():
    with pytest.raises(ValueError, match="at least 2 real and 2 generated"):
        measured(torch.zeros(1, 2), torch.zeros(5, 2))
