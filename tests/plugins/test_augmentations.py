"""flip, translate, cutout and diffaugment: exact where nothing is random, and as random as their papers say."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

import ganzoo
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve


def flip(p):
    return ganzoo.create("augmentation", "flip", p=p)


def images(num=6, dtype=torch.float32):
    return torch.randn(num, 3, 4, 5, dtype=dtype)


def test_at_0_it_is_the_identity_and_at_1_the_mirror_image():
    x = images()
    assert torch.equal(flip(0.0)(x), x)
    assert torch.equal(flip(1.0)(x), x.flip(3))


def test_each_image_is_mirrored_as_a_whole_or_not_at_all_as_often_as_p_says():
    x = images(4000)
    seen = flip(0.3)(x)
    mirrored = (seen == x.flip(3)).flatten(1).all(1)
    assert torch.equal(mirrored, ~(seen == x).flatten(1).all(1))
    assert mirrored.float().mean().item() == pytest.approx(0.3, abs=4 * (0.3 * 0.7 / 4000) ** 0.5)


def test_it_draws_from_torchs_default_generator_and_from_no_other():
    x, augment = images(64), flip(0.5)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(augment(x))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    torch.manual_seed(1)
    coins = torch.rand(64) < 0.5
    assert torch.equal(drawn[0], torch.where(coins[:, None, None, None], x.flip(3), x))


def test_gradients_go_back_to_the_pixels_that_were_seen():
    x, weights = images().requires_grad_(), images()
    (gradient,) = torch.autograd.grad((flip(1.0)(x) * weights).sum(), x)
    assert torch.equal(gradient, weights.flip(3))
    torch.manual_seed(0)
    assert torch.autograd.gradcheck(seeded(flip(0.5)), images(3, torch.float64).requires_grad_())


def seeded(augment):
    def call(x):
        torch.manual_seed(0)
        return augment(x)

    return call


def test_it_never_waits_for_the_device():
    """A tensor without values has none to wait for, nor a mask to count."""
    assert flip(0.5)(torch.empty(6, 3, 4, 5, device="meta")).shape == (6, 3, 4, 5)


def test_a_recording_draws_new_numbers_each_time_and_follows_a_schedule():
    x, p = images(32), torch.tensor(0.5)
    augment = flip(0.5)
    replay = make_fx(augment)(x)
    torch.manual_seed(3)
    wanted = augment(x)
    torch.manual_seed(3)
    assert torch.equal(replay(x), wanted)
    assert not torch.equal(replay(x), wanted)
    scheduled = make_fx(lambda x, p: flip_by(p)(x))(x, p)
    assert torch.equal(scheduled(x, torch.tensor(0.0)), x)
    assert torch.equal(scheduled(x, torch.tensor(1.0)), x.flip(3))


def flip_by(p):
    from ganzoo_augmentations import FlipOptions
    from ganzoo_augmentations.flip import Flip

    return Flip(FlipOptions(p=p), DataInfo(shape=(3, 4, 5)))


def test_samples_that_are_not_images_are_refused():
    with pytest.raises(UsageError, match=r"mirrors images, not samples \[2\]: remove it"):
        flip(0.5)(torch.zeros(4, 2))


def test_data_other_than_images_is_refused_before_a_run_is_made():
    with pytest.raises(UsageError, match="augmentation 'flip' is for image; dataset 'points' is points: remove 'flip'"):
        resolve(ganzoo.registry(), flags={"arch": "mlp", "dataset": "points", "aug": "flip"})


# ----------------------------------------------------------------------------
# translate, cutout, diffaugment.


def create(name, **options):
    return ganzoo.create("augmentation", name, **options)


def test_a_translated_image_is_one_of_the_nine_that_an_eighth_of_8_pixels_allows():
    x, num = torch.rand(1, 2, 8, 8) + 1, 1800
    padded = torch.nn.functional.pad(x[0], (1, 1, 1, 1))
    possible = torch.stack([padded[:, a : a + 8, b : b + 8] for a in range(3) for b in range(3)])
    seen = create("translate")(x.expand(num, -1, -1, -1))
    same = (seen[:, None] == possible).flatten(2).all(2)  # [N, 9]
    assert torch.equal(same.sum(1), torch.ones(num, dtype=torch.int64))
    assert (same.sum(0) - num / 9).abs().max() < 4 * (num / 9) ** 0.5


def test_cutout_removes_a_square_whose_positions_are_equally_likely():
    num = 2700
    holes = (create("cutout")(torch.ones(num, 1, 8, 8)) == 0)[:, 0]
    rows, columns = holes.any(2), holes.any(1)
    assert torch.equal(holes, rows[:, :, None] & columns[:, None])
    last = (rows * torch.arange(8)).amax(1).bincount(minlength=8)  # a square ends in row 1, 2, ..., 6 or beyond
    assert rows.sum(1).min() == 2
    assert rows.sum(1).max() == 4
    assert (last - num * torch.tensor([0, 1, 1, 1, 1, 1, 1, 3]) / 9).abs().max() < 4 * (num / 4) ** 0.5


def test_a_part_of_the_images_is_augmented_where_p_is_below_1():
    x = images(4000) + 5
    for name in ("translate", "cutout"):
        changed = (create(name, p=0.25, share=1.0)(x) != x).flatten(1).any(1).float().mean()
        assert changed.item() == pytest.approx(0.25, abs=0.06)
    changed = (create("diffaugment", p=0.25, policy=("colour",))(x) != x).flatten(1).any(1).float().mean()
    assert changed.item() == pytest.approx(1 - 0.75**3, abs=0.04)


def test_diffaugment_changes_brightness_saturation_and_contrast_within_the_papers_bounds():
    x = images(2000, torch.float64)
    seen = create("diffaugment", policy=("colour",))(x)
    grey, mean = x.mean(1, keepdim=True), x.mean((1, 2, 3), keepdim=True)
    parts = torch.stack([torch.ones_like(x), (grey - mean).expand_as(x), x - grey], -1).flatten(1, 3)  # [N, CHW, 3]
    found = torch.linalg.lstsq(parts, seen.flatten(1)[..., None]).solution[..., 0]
    assert torch.allclose((parts @ found[..., None])[..., 0], seen.flatten(1), atol=1e-6)
    brightness, contrast = found[:, 0] - mean.flatten(), found[:, 1]
    saturation = found[:, 2] / contrast
    for drawn, low, high in ((brightness, -0.5, 0.5), (contrast, 0.5, 1.5), (saturation, 0, 2)):
        assert low - 1e-6 < drawn.min() < low + 0.01
        assert high - 0.01 < drawn.max() < high + 1e-6
        assert drawn.mean().item() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))


def test_diffaugment_applies_its_policy_in_order_and_moves_pixels_where_the_policy_does():
    x = images(64) + 5
    torch.manual_seed(1)
    seen = create("diffaugment", policy=("translation", "cutout"))(x)
    torch.manual_seed(1)
    assert torch.equal(seen, create("cutout")(create("translate")(x)))
    (spec,) = [each.spec for each in ganzoo.registry().components("augmentation") if each.spec.name == "diffaugment"]
    assert spec.moves_pixels(spec.options())
    assert not spec.moves_pixels(spec.options(policy=("colour",)))


def test_blur_is_a_gaussian_filter_that_ends_as_a_schedule_says():
    def blur(sigma):
        return ganzoo.create("augmentation", "blur", sigma=sigma)

    point = torch.zeros(1, 1, 21, 21, dtype=torch.float64)
    point[..., 10, 10] = 1.0
    squares = (torch.arange(21.0) - 10).square()
    expected = torch.exp(-(squares[:, None] + squares) / (2 * 1.5**2)) / (2 * torch.pi * 1.5**2)
    torch.testing.assert_close(blur(1.5)(point)[0, 0], expected.double(), rtol=0, atol=1e-6)
    x = images()
    assert torch.equal(blur(0.0)(x), x)
    replay = make_fx(lambda x, sigma: blur_by(sigma)(x))(x, torch.tensor(2.0))
    for sigma in (0.7, 0.0):
        assert torch.equal(replay(x, torch.tensor(sigma)), blur(sigma)(x))
    schedule = ganzoo.registry().resolve("augmentation", "blur").spec.options().sigma
    assert [schedule.at(number) for number in (0, 100_000, 200_000, 300_000)] == [10, 5, 0, 0]


def blur_by(sigma):
    from ganzoo_augmentations import BlurOptions
    from ganzoo_augmentations.blur import Blur

    return Blur(BlurOptions(sigma=sigma), DataInfo(shape=(3, 4, 5)))
