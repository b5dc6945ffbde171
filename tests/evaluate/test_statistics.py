"""Statistics that metrics read, against torch's own; distances of Gaussians, against closed forms."""

import math

import pytest
import torch

from ganzoo.evaluate import statistics as statistics_module
from ganzoo.evaluate.statistics import Statistics, frechet_distance


def approximate(value, tolerance=1e-9):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def add_batches(*batches):
    """Return the statistics of batches of rows."""
    statistics = Statistics()
    for rows in batches:
        statistics.add(rows)
    return statistics


ROWS = torch.randn(60, 5, generator=torch.Generator().manual_seed(0)) * 2 + 100  # far from 0 beside their spread


@pytest.mark.parametrize("sizes", [(60,), (1, 59), (0, 1, 7, 30, 22)])
def test_batches_of_any_sizes_give_mean_and_covariance(sizes):
    found = add_batches(*ROWS.split(sizes))
    assert found.count == 60
    assert found.mean.dtype == found.covariance.dtype == torch.float64
    torch.testing.assert_close(found.mean, ROWS.double().mean(0), rtol=1e-14, atol=0)
    torch.testing.assert_close(found.covariance, ROWS.double().T.cov(), rtol=1e-12, atol=1e-12)


def test_statistics_of_parts_merge_into_those_of_the_whole():
    merged = Statistics()
    for part in (add_batches(ROWS[:13]), Statistics(), add_batches(ROWS[13:14]), add_batches(ROWS[14:])):
        merged.merge(part)
    whole = add_batches(ROWS)
    assert merged.count == whole.count
    torch.testing.assert_close(merged.mean, whole.mean, rtol=1e-14, atol=0)
    torch.testing.assert_close(merged.covariance, whole.covariance, rtol=1e-12, atol=1e-12)


def test_statistics_survive_the_round_trip_through_tensors():
    back = Statistics.from_tensors(add_batches(ROWS).to_tensors())
    assert back.count == 60
    assert torch.equal(back.mean, add_batches(ROWS).mean)
    assert torch.equal(back.covariance, add_batches(ROWS).covariance)


def test_one_sample_has_no_covariance():
    with pytest.raises(ValueError, match="a covariance needs at least 2 samples, not 1"):
        _ = add_batches(ROWS[:1]).covariance


# ----------------------------------------------------------------------------
# The Frechet distance.


def test_the_distance_of_gaussians_whose_covariances_do_not_commute():
    """Of a 2x2 matrix M with eigenvalues a, b >= 0, (sqrt a + sqrt b)^2 = tr M + 2 sqrt(det M)."""
    one = torch.tensor([[2.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    two = torch.tensor([[1.0, -0.5], [-0.5, 3.0]], dtype=torch.float64)
    product = one @ two
    assert not torch.equal(product, two @ one)
    root = math.sqrt(product.trace() + 2 * math.sqrt(product.det()))
    means = torch.zeros(2, dtype=torch.float64), torch.tensor([1.0, 2.0], dtype=torch.float64)
    wanted = 5 + float(one.trace() + two.trace()) - 2 * root
    assert frechet_distance(means[0], one, means[1], two) == approximate(wanted)
    assert frechet_distance(means[1], two, means[0], one) == approximate(wanted)


def test_the_distance_of_gaussians_that_lie_on_lines():
    """The root of (a a') (b b') has the trace |a.b|."""
    a, b = torch.tensor([1.0, 2.0, 0.0]).double(), torch.tensor([3.0, -1.0, 4.0]).double()
    zero = torch.zeros(3).double()
    assert frechet_distance(zero, torch.outer(a, a), zero, torch.outer(b, b)) == approximate(5 + 26 - 2 * 1)
    assert frechet_distance(zero, torch.outer(a, a), zero, torch.outer(a, a)) == approximate(0)


def test_no_distance_is_negative():
    zero = torch.zeros(5).double()
    for seed in range(20):
        factor = torch.randn(5, 5, generator=torch.Generator().manual_seed(seed)).double()
        assert 0 <= frechet_distance(zero, factor @ factor.T, zero, factor @ factor.T) < 1e-12


def test_a_mean_that_is_nan_does_not_give_a_distance_of_zero():
    one, nan = torch.eye(2).double(), torch.full((2,), math.nan).double()
    assert math.isnan(frechet_distance(nan, one, torch.zeros(2), one))


def test_the_root_of_one_side_is_computed_once_for_all_distances(monkeypatch):
    calls = []
    real_sqrt = statistics_module._matrix_sqrt
    monkeypatch.setattr(statistics_module, "_matrix_sqrt", lambda matrix: calls.append(1) or real_sqrt(matrix))
    one, others = add_batches(ROWS), [add_batches(ROWS[:30] * scale + 1) for scale in (1.0, 2.0, 3.0)]
    found = [one.measure_distance(other) for other in others]
    assert len(calls) == 4
    expected = [frechet_distance(one.mean, one.covariance, other.mean, other.covariance) for other in others]
    assert found == expected
    one.add(ROWS[:10] * 5)  # other samples have another root
    other = others[0]
    assert one.measure_distance(other) == frechet_distance(one.mean, one.covariance, other.mean, other.covariance)
    with pytest.raises(ValueError, match="a covariance needs at least 2 samples, not 0"):
        one.measure_distance(Statistics())
