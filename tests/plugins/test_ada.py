"""ada against its paper: every group of operations, the probability that adapts, and that nothing leaks into G."""

import math
from itertools import product

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

import ganzoo
from ganzoo.compute.streams import seeded
from ganzoo.plugin import UsageError
from ganzoo_augmentations import geometry
from ganzoo_augmentations.ada import GROUPS
from ganzoo_augmentations.colour import rotate_hue
from ganzoo_augmentations.wavelets import SYM2, SYM6, make_bands, make_filters

TAPS = torch.tensor(SYM6, dtype=torch.float64)


def ada(*groups, **options):
    """Build `ada` with these groups alone."""
    return ganzoo.create("augmentation", "ada", **{name: float(name in groups) for name in GROUPS}, **options)


def images(num=8, size=8, dtype=torch.float32):
    return torch.rand(num, 3, size, size, dtype=dtype) * 2 - 1


def matrices(*entries):
    return geometry._matrix(*[torch.tensor([float(each)], dtype=torch.float64) for each in entries])


# ----------------------------------------------------------------------------
# Pixels.


def test_at_0_everything_is_the_identity_bit_for_bit():
    x = images()
    for p in (0.0, torch.tensor(0.0)):
        assert torch.equal(ada(*GROUPS, p=p)(x), x)
    assert torch.equal(ada(*GROUPS)(x), x)  # where adaptation begins


def test_a_blitted_image_is_one_of_the_72_that_whole_pixels_allow_and_each_orientation_is_as_likely_as_all():
    x, num = images(1), 3200
    padded = nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")[0]  # an eighth of 8 pixels is 1
    oriented = [each.rot90(turns, (1, 2)) for each in (padded, padded.flip(2)) for turns in range(4)]
    moves = list(product(range(3), range(3)))
    possible = torch.stack([each[:, a : a + 8, b : b + 8] for each in oriented for a, b in moves])  # [72, 3, 8, 8]
    blitted = ada("blit", p=1.0)(x.expand(num, -1, -1, -1))
    distance = torch.cdist(blitted.flatten(1), possible.flatten(1), compute_mode="donot_use_mm_for_euclid_dist")
    assert torch.equal(distance.min(1).values, torch.zeros(num))
    orientation = (distance.argmin(1) // 9).bincount(minlength=8)
    assert (orientation - num / 8).abs().max() < 4 * math.sqrt(num / 8)


@pytest.mark.parametrize("entries", [(-1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, 1, 0)])
def test_mirroring_and_turning_have_an_exact_inverse(entries):
    x, matrix = images(1), matrices(*entries)
    assert torch.equal(geometry.copy_pixels(geometry.copy_pixels(x, matrix), matrix.inverse()), x)


def test_an_image_that_is_not_square_is_turned_by_halves():
    x = images(1)[:, :, :6]
    blitted = ada("blit", p=1.0)(x.expand(200, -1, -1, -1))
    assert blitted.shape == (200, 3, 6, 8)
    assert {float(value) for value in blitted.flatten()} <= {float(value) for value in x.flatten()}


# ----------------------------------------------------------------------------
# Geometry.


@pytest.mark.parametrize(("taps", "moments"), [(SYM2, 2), (SYM6, 6)])
def test_the_wavelet_filters_are_orthogonal_and_smooth(taps, moments):
    h, n = torch.tensor(taps, dtype=torch.float64), torch.arange(len(taps), dtype=torch.float64)
    for k in range(moments):  # these two conditions define a wavelet of so many moments (Daubechies 1992, chapter 6)
        assert float((h[2 * k :] * h[: len(h) - 2 * k]).sum()) == pytest.approx(float(k == 0), abs=1e-11)
        assert float(((-1) ** n * h * n**k).sum()) == pytest.approx(0, abs=1e-8)


def test_resampling_by_the_identity_changes_nothing_but_what_the_borders_reflect():
    x = images(2, 24, torch.float64)
    same = geometry.resample(x, matrices(1, 0, 0, 1).expand(2, 3, 3), TAPS)
    assert torch.allclose(same[..., 6:-6, 6:-6], x[..., 6:-6, 6:-6], atol=1e-9)


def test_resampling_a_smooth_picture_gives_the_picture_at_the_moved_positions():
    rows, columns = (torch.arange(side, dtype=torch.float64) - (side - 1) / 2 for side in (32, 40))
    rows = rows[:, None]

    def picture(y, x):
        return torch.sin(x / 6) + torch.cos(y / 5 + x / 9)

    a, b, c, d, e, f = entries = (0.8, -0.5, 0.6, 0.9, 1.3, -0.7)
    seen = geometry.resample(picture(rows, columns)[None, None], matrices(*entries), TAPS)[0, 0]
    x, y = a * columns + b * rows + e, c * columns + d * rows + f
    inside = (x.abs() < 16) & (y.abs() < 12)
    assert inside.sum() > 400
    assert (seen - picture(y, x))[inside].abs().max() < 4e-3  # doubling and bilinear interpolation


def test_transformations_are_drawn_as_the_paper_says():
    num = 6000
    matrix, changed = geometry.draw_geometry(torch.empty(num, 3, 16, 32), 1.0)
    assert changed.all()
    forward = matrix.double().inverse()  # the paper's G: translation, rotation, stretching, rotation, scaling
    linear, moved = forward[:, :2, :2], forward[:, :2, 2]
    scale = torch.linalg.det(linear).log2() / 2
    long, short = torch.linalg.svdvals(linear).unbind(1)
    stretch = (long / short).log2() / 2  # |n|
    angle = torch.atan2(linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1])
    error = 4 / math.sqrt(2 * num)
    deviations = (scale, 0.2), (moved[:, 0], 4.0), (moved[:, 1], 2.0), (angle, math.pi / 3**0.5)
    for drawn, deviation in deviations:
        assert float(drawn.std()) == pytest.approx(deviation, rel=error)
        assert float(drawn.mean()) == pytest.approx(0, abs=2 * error * deviation)
    assert float(stretch.pow(2).mean().sqrt()) == pytest.approx(0.2, rel=error)
    _, changed = geometry.draw_geometry(torch.empty(num, 3, 16, 32), 0.5)
    assert float(changed.float().mean()) == pytest.approx(1 - 0.5**4, abs=0.0125)  # the two rotations count as one


def test_an_image_is_blitted_before_it_is_transformed():
    x = nn.functional.interpolate(torch.randn(40, 1, 6, 6, dtype=torch.float64), size=(32, 32), mode="bicubic")
    with seeded(1):
        blits, (own, _) = geometry.draw_blits(x, 1.0), geometry.draw_geometry(x, 1.0)
    with seeded(1):
        seen, _ = geometry.transform(x, None, TAPS, 1.0, 1.0)
    wanted = geometry.resample(geometry.copy_pixels(x, blits), own, TAPS)
    middle = (seen - wanted)[..., 12:20, 12:20].abs().mean((1, 2, 3))  # elsewhere borders may come into view
    assert middle.median() < 0.01


def test_smooth_pictures_are_reflected_at_the_borders():
    x = torch.linspace(-1, 1, 16, dtype=torch.float64).expand(1, 1, 16, 16)
    seen = geometry.resample(x, matrices(1, 0, 0, 1, 4, 0), TAPS)[0, 0, 8]
    assert torch.allclose(seen[:10], x[0, 0, 0, 4:14], atol=0.02)
    assert torch.allclose(seen[13:], x[0, 0, 0, 11:14].flip(0), atol=0.02)


def test_a_penalty_may_differentiate_twice_and_a_gradient_is_a_transpose():
    x = images(2, 4, torch.float64).requires_grad_()

    def penalised(x):
        (gradient,) = torch.autograd.grad(seeded_ada(x).pow(3).sum(), x, create_graph=True)
        return gradient.pow(2).sum()

    assert torch.autograd.gradcheck(penalised, x, fast_mode=True)


def seeded_ada(x):
    with seeded(3):
        return ada("blit", "geometry", "colour", p=1.0).double()(x)


def test_a_label_of_half_the_size_moves_with_its_image():
    label = nn.functional.interpolate(torch.randn(64, 1, 3, 3), size=(16, 16), mode="bicubic")
    image = nn.functional.interpolate(label, scale_factor=2, mode="bilinear").expand(-1, 3, -1, -1)
    seen, moved = ada("blit", "geometry", p=1.0)(image, label)
    small = nn.functional.avg_pool2d(seen.mean(1, keepdim=True), 2)
    assert ((small - moved).abs().mean((1, 2, 3)) < 0.15 * label.abs().mean((1, 2, 3))).float().mean() > 0.95
    assert (small - label).abs().mean() > label.abs().mean() * 0.5  # they did move


# ----------------------------------------------------------------------------
# Colour, filter, noise, cutout.


def test_colours_change_by_the_matrices_of_the_paper():
    num, white = 4000, torch.ones(3, dtype=torch.float64) / 3**0.5
    x = images(1, 4, torch.float64).expand(num, -1, -1, -1)
    points = torch.cat([x.flatten(2), torch.ones(num, 1, 16, dtype=torch.float64)], 1).mT  # [N, 16, 4]
    seen = ada("colour", p=1.0)(x).flatten(2).mT
    found = torch.linalg.lstsq(points, seen).solution  # [N, 4, 3]
    assert torch.allclose(points @ found, seen, atol=1e-9)
    linear, offset = found[:, :3].mT, found[:, 3]
    luma = (linear @ white) @ white  # +-c
    assert torch.allclose(linear @ white, luma[:, None] * white, atol=1e-9)
    chroma = linear - luma[:, None, None] * torch.outer(white, white)
    scale = chroma.pow(2).sum((1, 2)).div(2).sqrt()  # s c
    plane = torch.eye(3, dtype=torch.float64) - torch.outer(white, white)
    assert torch.allclose(chroma @ chroma.mT, scale[:, None, None] ** 2 * plane, atol=1e-8)
    angle = torch.atan2(chroma[:, 1, 0] - chroma[:, 0, 1], chroma.diagonal(dim1=1, dim2=2).sum(1) * 3**-0.5)
    contrast, saturation, brightness = luma.abs().log2(), (scale / luma.abs()).log2(), offset[:, 0] / luma
    error = 4 / math.sqrt(2 * num)
    for drawn, deviation in ((contrast, 0.5), (saturation, 1.0), (brightness, 0.2), (angle, math.pi / 3**0.5)):
        assert float(drawn.std()) == pytest.approx(deviation, rel=error)
        assert float(drawn.mean()) == pytest.approx(0, abs=2 * error * deviation)
    assert float((luma < 0).double().mean()) == pytest.approx(0.5, abs=error)


def test_hue_is_a_rotation_about_the_luma_axis():
    cross = torch.tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], dtype=torch.float64) / 3**0.5
    chroma = torch.randn(1, 3, 2, 2, dtype=torch.float64)
    chroma = chroma - chroma.mean(1, keepdim=True)
    wanted = torch.einsum("ij,njhw->nihw", torch.matrix_exp(0.7 * cross), chroma)
    assert torch.allclose(rotate_hue(chroma, torch.tensor(0.7, dtype=torch.float64)), wanted, atol=1e-12)


def test_bands_add_up_to_the_image_and_each_keeps_its_octave():
    bands = make_bands()
    delta = torch.zeros(43, dtype=torch.float64)
    delta[21] = 1
    assert torch.allclose(bands.sum(0), delta, atol=1e-12)
    frequency = torch.arange(257) / 256 * math.pi
    response = torch.fft.rfft(bands, 512).abs()
    highest = response.argmax(0)
    for band, (low, high) in enumerate(((0, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1 / 2), (1 / 2, 1))):
        middle = (frequency > math.pi * (low + 0.02)) & (frequency < math.pi * (high - 0.02))
        assert (highest[middle] == band).all()
    x = torch.randn(20, dtype=torch.float64)
    assert torch.allclose(make_filters(bands, 20).sum(0) @ x, x, atol=1e-12)


def test_an_amplified_image_keeps_its_expected_power():
    spectrum = torch.tensor([10.0, 1, 1, 1]) / 13
    flat = ada("filter", p=1.0)(torch.ones(2000, 1, 4, 4))[:, 0]  # the lowest band alone
    assert (flat - flat[:, :1, :1]).abs().max() < 1e-4
    torch.manual_seed(0)
    gain = 2 ** torch.randn(200_000, 4)
    wanted = gain[:, 0] / (1 + spectrum * (gain**2 - 1)).sqrt().prod(1)  # t_1 after the four normalisations
    found = flat[:, 0, 0].sqrt()  # rows and columns are filtered
    assert float(found.log().mean()) == pytest.approx(float(wanted.log().mean()), abs=0.05)
    assert float(found.log().std()) == pytest.approx(float(wanted.log().std()), rel=0.08)


def test_noise_is_white_with_a_half_normal_deviation():
    added = ada("noise", p=1.0)(torch.zeros(2000, 1, 16, 16)).flatten(1)
    assert float(added.std(1).pow(2).mean().sqrt()) == pytest.approx(0.1, rel=0.1)
    assert float(added.std(1).mean()) == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.1)


def test_cutout_removes_a_rectangle_of_half_the_sides():
    holes = (ada("cutout", p=1.0)(torch.ones(4000, 1, 8, 8)) == 0)[:, 0]
    assert holes.any(2).sum(1).max() == holes.any(1).sum(1).max() == 4
    assert torch.equal(holes.flatten(1).sum(1), holes.any(2).sum(1) * holes.any(1).sum(1))
    assert holes.any(2).sum(1).min() == 2  # its centre is in the image


# ----------------------------------------------------------------------------
# The probability.


def test_p_moves_by_its_step_after_each_interval_and_stays_between_0_and_1():
    augment, sure, unsure = ada("blit"), torch.full((64, 1), 2.0), torch.full((64, 1), -2.0)
    for update in range(8):
        assert float(augment.adaptation.p) == pytest.approx(update // 4 * 0.000512)  # 64 x 4 / 500,000
        augment.update(sure)
    for _ in range(12):
        augment.update(unsure)
    assert float(augment.adaptation.p) == 0
    mixed = torch.cat([sure[:51], unsure[:13]])  # E sign = 38/64 = 0.59 < 0.6
    augment.adaptation.p.fill_(0.5)
    for logits in (mixed, mixed, mixed, torch.cat([sure[:52], unsure[:12]])):  # E sign over the four = 0.60 > 0.6
        augment.update(logits)
    assert float(augment.adaptation.p) == pytest.approx(0.5 + 0.000512)
    augment.adaptation.p.fill_(0.9999)
    for _ in range(4):
        augment.update(sure)
    assert float(augment.adaptation.p) == 1


def test_target_images_and_interval_are_options_and_an_adapting_p_is_stored():
    augment = ada("blit", target=-0.5, images=1000, interval=1)
    augment.update(torch.zeros(10, 4))
    assert float(augment.adaptation.p) == pytest.approx(0.01)
    assert set(augment.state_dict()) == {f"adaptation.{name}" for name in ("p", "r_t", "signs", "seen", "updates")}
    assert not hasattr(ada("blit", p=0.5), "update")


def test_an_update_can_be_recorded():
    augment, logits = ada("blit", interval=2), torch.ones(10, 1)
    replay = make_fx(lambda logits: augment.update(logits))(logits)
    for _ in range(4):
        replay(logits)
    assert float(augment.adaptation.p) == pytest.approx(
        2 * 2 * 10 / 500_000
    )  # the recording was the first of five updates
    assert float(augment.adaptation.updates) == 1


@pytest.mark.parametrize("option", ["target", "images", "interval"])
def test_options_of_adaptation_are_refused_where_p_is_given(option):
    with pytest.raises(UsageError, match=f"remove aug.ada.p or aug.ada.{option}"):
        ada("blit", p=0.5, **{option: 1})


def test_an_augmentation_that_changes_nothing_is_refused():
    with pytest.raises(UsageError, match="every factor of aug 'ada' is 0"):
        ada()
    with pytest.raises(UsageError, match="the policy of aug 'diffaugment' is empty"):
        ganzoo.create("augmentation", "diffaugment", policy=())


# ----------------------------------------------------------------------------
# Leaks (appendix C). What D sees is a linear map of the distribution. G learns the data where the map is invertible.


@pytest.mark.parametrize(("p", "leaks"), [(0.6, False), (1.0, True)])
def test_a_generator_that_matches_the_augmented_data_matches_the_data_unless_p_is_1(p, leaks):
    image = torch.zeros(3, 8, 8)
    image[:, 2:7, 2] = image[:, 2, 2:6] = image[:, 4, 2:5] = 1  # an F
    oriented = [each.rot90(turns, (1, 2)) for each in (image, image.flip(2)) for turns in range(4)]
    data, num = torch.tensor([0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02]), 5000
    augment = ada("blit", p=p)

    def show(share, each):
        """Return the mean of what D sees of `share` of a batch."""
        return augment(each.expand(round(share * num), -1, -1, -1)).mean(0).flatten()

    torch.manual_seed(0)
    augmented = torch.stack([show(1, each) for each in oriented])  # [8, 192]
    seen = sum(share * show(share, each) for share, each in zip(data.tolist(), oriented, strict=True))
    weights = torch.zeros(8, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.1)
    for _ in range(300):  # G learns a distribution whose augmented samples look like the augmented data
        optimizer.zero_grad()
        (weights.softmax(0) @ augmented - seen).pow(2).sum().backward()
        optimizer.step()
    learned = weights.detach().softmax(0)
    assert (learned @ augmented - seen).abs().max() < 0.03
    assert ((learned - data).abs().sum() > 0.3) == leaks
