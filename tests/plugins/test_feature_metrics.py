"""Metrics of features against values of torch-fidelity and prdc (`metric_peers/write.py`), and against expectations."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.evaluate.statistics import Statistics
from ganzoo.plugin import DataInfo
from ganzoo_metrics import kept
from ganzoo_metrics.copying import compare_distances, find_centres
from ganzoo_metrics.frechet import extrapolate
from ganzoo_metrics.kid import compute_mmd
from ganzoo_metrics.swd import build_pyramid, cut_patches, enlarge

PEERS = {
    name: torch.from_numpy(value)
    for name, value in np.load(Path(__file__).parent / "metric_peers" / "values.npz").items()
}
SHARES = ("precision", "recall", "density", "coverage")


@pytest.fixture(autouse=True)
def same_random_numbers():
    torch.manual_seed(0)


def measure(name, real, fake, held_out=None, **options):
    """Return the values of a metric for features ``[N, F]`` of either side."""
    metric = ganzoo.create("metric", name, **options)
    metric.reset()
    if held_out is not None:
        metric.held_out({"features": held_out})
    for give, rows in ((metric.real, real), (metric.fake, fake)):
        if name == "frechet":
            statistics = Statistics()
            statistics.add(rows)
            give(statistics)
        else:
            for batch in rows.split(64):
                give({"features": batch})
    with torch.no_grad():
        return metric.compute()


def sample_points(shape, num, seed):
    data = ganzoo.create("dataset", "points", shape=shape)
    return data.info, data.sample(torch.Generator().manual_seed(seed), num)[0]


def draw(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# ----------------------------------------------------------------------------
# Other implementations.


@pytest.mark.parametrize("name", ["many", "few"])
def test_values_are_those_of_torch_fidelity_and_prdc(name):
    real, fake = PEERS[f"{name}/real"], PEERS[f"{name}/fake"]
    near = {"rel": 1e-6}
    assert measure("frechet", real, fake)["fd"] == pytest.approx(float(PEERS[f"{name}/fid"]), **near)
    size = min(len(real), len(fake))  # the whole of both, as the order of random subsets is each library's own
    assert measure("kid", real[:size], fake[:size])["kid"] == pytest.approx(float(PEERS[f"{name}/kid"]), **near)
    nearest = measure("prdc", real, fake, neighbours=3)
    assert [nearest[key] for key in SHARES[:2]] == pytest.approx(PEERS[f"{name}/pr"].tolist(), **near)
    found = measure("prdc", real, fake)
    assert [found[key] for key in SHARES] == pytest.approx(PEERS[f"{name}/prdc"].tolist(), **near)


def test_the_inception_score_is_that_of_torch_fidelity():
    both = {"features": torch.zeros(95, 1), "probabilities": PEERS["logits"].double().softmax(1)}
    metric = ganzoo.create("metric", "inception-score")
    metric.fake(both)
    found = metric.compute()
    assert [found["is"], found["std"]] == pytest.approx(PEERS["is"].tolist(), rel=1e-6)
    metric.reset()
    with pytest.raises(ValueError, match="into 10 parts, and there are only 0 samples"):
        metric.compute()


# ----------------------------------------------------------------------------
# Expected values for equal distributions and for known ones.


def test_the_bias_of_the_frechet_distance_is_the_expected_one():
    d, n = 16, 1000
    found = measure("frechet", draw(n, d), draw(n, d, seed=1))["fd"]
    assert found == pytest.approx(2 * d / n + d * (d + 1) / (2 * (n - 1)), rel=0.1)
    assert abs(measure("frechet-infinity", draw(n, d), draw(n, d, seed=1))["fd"]) < 0.7 * found


def test_the_frechet_distance_is_symmetric_and_scales_with_the_square():
    one, other = draw(60, 5), draw(60, 5, seed=1) * 1.5 + 0.2
    rotation = torch.linalg.qr(draw(5, 5, seed=2))[0]
    found = measure("frechet", one, other)["fd"]
    for same in ((other, one), (one @ rotation, other @ rotation)):
        assert measure("frechet", *same)["fd"] == pytest.approx(found, rel=1e-12)
    assert measure("frechet", 3 * one, 3 * other)["fd"] == pytest.approx(9 * found, rel=1e-12)


def test_an_exact_line_is_extrapolated_exactly():
    sizes = torch.tensor([500, 1000, 5000])
    assert extrapolate(sizes, 7 + 300 / sizes.double()) == pytest.approx(7, rel=1e-12)


def test_the_kernel_distance_of_gaussians_is_the_closed_form():
    found = measure("kid", draw(4000, 1), draw(4000, 1, seed=1) + 1, size=500, subsets=20)  # (x y + 1)^3: exactly 22
    assert abs(found["kid"] - 22) < 4 * 22 * math.sqrt(8 / 4000)
    null = torch.tensor([compute_mmd(draw(100, 4, seed=2 * i), draw(100, 4, seed=2 * i + 1)) for i in range(40)])
    assert null.min() < 0
    assert abs(null.mean()) < 3 * null.std() / math.sqrt(40)


def test_the_kernel_distance_of_a_set_from_itself_is_the_known_negative_one():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(100, 5)))
    assert measure("kid", x, x)["kid"] == pytest.approx(-0.1995889287, abs=1e-9)


def test_density_and_coverage_of_one_distribution_are_the_expected_ones():
    n = m = 1000
    found = measure("prdc", draw(n, 3), draw(m, 3, seed=1))
    assert found["density"] == pytest.approx(1, abs=0.05)
    expected = 1 - math.prod((n - i) / (m + n - i) for i in range(1, 6))
    assert expected == pytest.approx(0.96898, abs=1e-5)
    assert found["coverage"] == pytest.approx(expected, abs=0.015)


def test_distances_in_blocks_are_those_of_one_piece(monkeypatch):
    real, fake = draw(70, 3), draw(50, 3, seed=1)
    whole = measure("prdc", real, fake)
    monkeypatch.setattr(kept, "NUMBERS", 350)  # 7 rows, then 5
    sizes = [len(block) for _, block in kept.iterate_square_distances(real, fake)]
    assert sizes == [7] * 10
    assert measure("prdc", real, fake) == whole


@pytest.mark.parametrize(("name", "least"), [("kid", 2), ("prdc", 6), ("frechet-infinity", 20)])
def test_too_few_samples_are_reported_with_how_many_are_needed(name, least):
    rows = draw(least, 3)
    assert measure(name, rows, rows)
    with pytest.raises(ValueError, match=f"at least {least} real and {least} generated samples, not {least - 1} and"):
        measure(name, rows[1:], rows)


def test_the_accuracy_of_a_two_sample_test_is_that_of_the_best_classifier():
    for shift in (1.0, 2.0):
        found = measure("c2st", draw(3000, 3), draw(3000, 3, seed=1) + torch.tensor([shift, 0, 0]), epochs=5)
        assert found["accuracy"] == pytest.approx((1 + math.erf(shift / 2 / math.sqrt(2))) / 2, abs=0.02)
    null = measure("c2st", draw(1000, 64), draw(1000, 64, seed=1))
    assert abs(null["sigmas"]) < 3.5
    assert null["accuracy"] == pytest.approx(0.5 + null["sigmas"] / 2 / math.sqrt(1000))
    assert measure("c2st", draw(2000, 2), 2 * draw(2000, 2, seed=1), epochs=8)["accuracy"] > 0.7  # the means are equal


@pytest.mark.parametrize("dimension", [2, 80])
def test_a_perfect_sampler_copies_nothing_and_one_that_copies_a_fifth_is_noticed(dimension):
    real, fake = draw(1600, dimension), draw(800, dimension, seed=1)
    fair = measure("copying", real, fake)
    assert fair["ratio"] == pytest.approx(1, abs=0.15)
    assert abs(fair["ct"]) < 3
    share = {2: 39, 80: 81}[dimension]  # the null depends on the dimension
    assert fair["authpct"] == pytest.approx(share, abs=5)
    copies = torch.cat([real[:320] + 1e-3 * draw(320, dimension, seed=2), fake[320:]])
    found = measure("copying", real, copies)
    assert found["ratio"] < 0.9
    assert found["ct"] < fair["ct"] - 2


def test_beside_held_out_samples_a_generator_that_copies_all_that_it_saw_is_noticed():
    known, apart = draw(800, 8), draw(200, 8, seed=1)
    copies = known + 1e-3 * draw(800, 8, seed=2)
    unnoticed = measure("copying", known, copies)
    assert unnoticed["ratio"] > 0.4  # each half is copied
    found = measure("copying", known, copies, held_out=apart)
    assert found["authpct"] == 0
    assert found["ct"] < -10
    fair = measure("copying", known, draw(800, 8, seed=3), held_out=apart)
    assert fair["ratio"] == pytest.approx(1, abs=0.1)
    assert abs(fair["ct"]) < 3
    floor = measure("copying", known, apart, held_out=apart)
    assert floor["ratio"] == 1
    assert fair["authpct"] / fair["ratio"] == pytest.approx(floor["authpct"])
    with pytest.raises(ValueError, match=r"it needs at least 8 held-out samples, not 7: raise dataset\.holdout"):
        measure("copying", known, copies, held_out=apart[:7])


def test_vendi_tells_variety_from_copies_on_features_that_are_all_positive():
    many = draw(400, 64).abs() * 0.1 + 5  # cosines about the origin are near 1
    few = many[:4].repeat(100, 1)
    assert measure("vendi", many, few, centred=False)["real"] < 1.01
    found = measure("vendi", many, few)
    assert found["real"] > 50
    assert found["vendi"] < 5


def test_ties_count_half_and_equal_distances_give_no_verdict():
    assert compare_distances(torch.ones(30), torch.ones(40)) == pytest.approx(0.5 / math.sqrt(30 * 40 * 71 / 12))
    one, other = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.5])  # larger in 0, 0.5, 2 pairs
    assert compare_distances(one, other) == pytest.approx((2.5 - 3 + 0.5) / math.sqrt(3))


def test_clusters_are_found():
    centres = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]]).double()
    found = find_centres((centres[:, None] + 0.1 * draw(3, 50, 2)).flatten(0, 1), 3)
    assert torch.cdist(found, centres).min(0).values.max() < 0.1


# ----------------------------------------------------------------------------
# Samples and labels.


def test_a_classifier_of_generated_digits_is_right_on_others_unless_their_labels_are_mixed_up():
    digits = ganzoo.create("dataset", "digits", size=8)
    samples, labels = torch.from_numpy(digits.data).float() / 127.5 - 1, torch.from_numpy(digits.labels).long()
    metric = ganzoo.create("metric", "cas", data=digits.info, epochs=5)

    def score(samples, labels):
        metric.reset()
        metric.real(real, real_labels)
        metric.fake(samples, labels)
        with torch.no_grad():
            return metric.compute()["accuracy"]

    real, real_labels, fake, fake_labels = samples[1::2], labels[1::2], samples[::2], labels[::2]
    assert score(fake, fake_labels) > 0.9
    kept = fake_labels != 3
    missing = score(fake[kept], fake_labels[kept])
    assert missing == pytest.approx(0.87, abs=0.05)
    assert score(fake, fake_labels.roll(1)) < 0.3
    with pytest.raises(ganzoo.GanzooError, match="choose a dataset that has classes"):
        ganzoo.create("metric", "cas")


def test_the_levels_of_a_pyramid_add_up_to_the_image():
    images = draw(2, 3, 70, 65).float()
    levels = build_pyramid(images)
    assert [tuple(level.shape[2:]) for level in levels] == [(70, 65), (35, 33), (18, 17)]
    whole = levels[-1]
    for level in levels[-2::-1]:
        whole = level + enlarge(whole, level.shape[2:])
    torch.testing.assert_close(whole, images)
    grey = build_pyramid(torch.full((1, 1, 64, 64), 0.7))
    assert max(float(level.abs().max()) for level in grey[:-1]) < 1e-6
    torch.testing.assert_close(grey[-1], torch.full((1, 1, 16, 16), 0.7))


def test_patches_are_parts_of_their_own_images():
    images = torch.arange(2 * 9 * 11.0).reshape(2, 1, 9, 11)
    where = torch.tensor([[0.0, 0.0], [0.999, 0.999]]).expand(2, 2, 2)
    corners = [images[0, :, :7, :7], images[0, :, 2:, 4:], images[1, :, :7, :7], images[1, :, 2:, 4:]]
    assert torch.equal(cut_patches(images, where), torch.stack(corners))


def test_textures_change_the_fine_level_and_not_the_coarse_one():
    smooth = torch.nn.functional.interpolate(draw(64, 1, 4, 4).float(), size=32, mode="bicubic")
    metric = ganzoo.create("metric", "swd", data=ganzoo.DataInfo(shape=(1, 32, 32)), patches=16, images=60)
    for batch in smooth.split(25):
        metric.real(batch)
        metric.fake(batch + 0.2 * torch.randn_like(batch))
    found = metric.compute()
    assert metric.counts == {"real": 60, "fake": 60}
    assert found["32"] > 5 * found["16"]
    assert found["mean"] == pytest.approx((found["32"] + found["16"]) / 2)


# ----------------------------------------------------------------------------
# Mixtures of points.


@pytest.mark.parametrize(("shape", "num_modes"), [("ring", 8), ("grid", 25)])
def test_a_perfect_sampler_has_the_values_that_its_formulas_say(shape, num_modes):
    info, real = sample_points(shape, 4000, 0)
    metric = ganzoo.create("metric", "modes", data=info)
    metric.real(real)
    metric.fake(sample_points(shape, 4000, 1)[1])
    found = metric.compute()
    assert found["modes"] == found["modes-any"] == num_modes
    assert found["share"] == pytest.approx(1 - math.exp(-4.5), abs=4 * math.sqrt(0.011 / 4000))
    assert found["kl"] == pytest.approx((num_modes - 1) / 8000, rel=1)
    assert (found["std"], found["spread"]) == (pytest.approx(1, abs=0.03), pytest.approx(1, abs=0.06))
    assert found["sliced-w2"] < 0.03


def test_rare_modes_count_as_found_and_not_as_captured():
    info, real = sample_points("grid", 1000, 0)
    metric = ganzoo.create("metric", "modes", data=info)
    metric.real(real)
    metric.fake(torch.tensor(info.meta["modes"])[[0] * 997 + [1, 1, 2]])  # 2 of 1,000 are captured
    found = metric.compute()
    assert (found["modes"], found["modes-any"], found["spread"]) == (2, 3, 0)
    with pytest.raises(ganzoo.GanzooError, match="counts the modes of a mixture in the plane: use --dataset points"):
        ganzoo.create("metric", "modes", data=sample_points("two-moons", 1, 0)[0])


# ----------------------------------------------------------------------------
# Points.


@pytest.mark.parametrize(("modality", "shape"), [("points", (2,)), ("tabular", (7,))])
def test_metrics_of_features_measure_points_and_tables_by_their_numbers(modality, shape):
    info = DataInfo(shape=shape, modality=modality, dtype="float32")
    rows = draw(50, *shape).float()
    assert torch.equal(ganzoo.create("extractor", "identity", data=info)(rows)["features"], rows)


def test_points_are_measured_by_distance_and_coverage_if_no_metric_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    run = ganzoo.train(arch="mlp", dataset="points", images=256, batch=64)
    found = ganzoo.evaluate(run, num=300)
    assert {"frechet/fd", "prdc/coverage"} <= found.values.keys()
    assert found.scores["frechet/fd"].extractor == "identity"
    assert found.scores["frechet/fd"].ratio > 1
