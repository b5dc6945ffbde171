"""flip: exact at p = 0 and 1, a fair coin between, linear, and made of tensors alone."""

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
