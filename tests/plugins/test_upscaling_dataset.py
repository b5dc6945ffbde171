"""The dataset `upscaling`: small images against Pillow's, and the parts of a random degradation."""

from __future__ import annotations

import io
import math
from importlib import import_module

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.opening import open_source
from ganzoo.errors import GanzooError
from ganzoo.plugin import UsageError, read_image
from ganzoo_datasets import degradation, jpeg, kernels
from ganzoo_datasets.specs.upscaling import UpscalingOptions
from ganzoo_datasets.upscaling import Upscaling

CHELSEA = read_image(import_module("pathlib").Path(__file__).parent / "chelsea.jpg")  # uint8 [3, H, W]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def cut(size, num=1):
    """Return squares of the cat ``[num, 3, size, size]`` in [0, 1]."""
    corners = [(8 * (i % 4), 12 * i) for i in range(num)]
    parts = [CHELSEA[:, top : top + size, left : left + size] for top, left in corners]
    return torch.from_numpy(np.stack(parts)).float() / 255


def write_photo(folder, name="cat.png", width=80, height=70):
    Image.fromarray(CHELSEA.transpose(1, 2, 0)[:height, :width]).save(folder / name)


def upscaling(folder, **options):
    return Upscaling(UpscalingOptions(path=str(folder), **{"size": 32, "crops": 3, **options}))


# ----------------------------------------------------------------------------
# The dataset.


def test_crops_keep_their_pixels_and_labels_are_pillows_small_images(tmp_path):
    write_photo(tmp_path)
    dataset = upscaling(tmp_path)
    source = open_source(dataset, name="upscaling", key="k", notify=print, cache=tmp_path / ".cache")
    assert (source.info.shape, source.info.label_shape, len(source.data)) == ((3, 32, 32), (3, 8, 8), 3)
    windows = torch.from_numpy(CHELSEA[:, :70, :80].copy()).unfold(1, 32, 1).unfold(2, 32, 1)
    for crop in source.data:
        assert (windows.permute(1, 2, 0, 3, 4) == crop).flatten(2).all(2).sum() == 1
    labels = dataset.condition(source.data.float() / 127.5 - 1, seeded())
    for crop, label in zip(source.data, labels, strict=True):
        image = Image.fromarray(crop.permute(1, 2, 0).numpy())
        wanted = np.asarray(image.resize((8, 8), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
        found = ((label + 1) * 127.5).numpy()
        assert np.abs(found - found.round()).max() < 1e-3
        assert np.abs(found - wanted).max() < 1.01  # Pillow rounds between rows and columns


def test_an_image_that_is_smaller_than_a_crop_is_left_out(tmp_path):
    write_photo(tmp_path)
    write_photo(tmp_path, "tiny.png", 80, 31)
    dataset = upscaling(tmp_path, crops=1)
    source = open_source(dataset, name="upscaling", key="k", notify=print, cache=tmp_path / ".cache")
    assert [entry.name for entry in source.skipped] == ["tiny.png"]
    assert "80x31 pixels are fewer than dataset.size=32: set a smaller size" in source.skipped[0].reason
    with pytest.raises(GanzooError, match=r"80x31 pixels are fewer than dataset\.size=32"):
        open_source(
            upscaling(tmp_path, strict=True), name="upscaling", key="s", notify=print, cache=tmp_path / ".cache"
        )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"size": 34}, r"dataset.size=34 is not a multiple of dataset.scale=4 .*: set dataset.size=32"),
        ({"size": 8, "scale": 8}, r"with 2 pixels or more in a small image: set dataset.size=16"),
        ({"path": ""}, r"needs a folder of images: add dataset.path=FOLDER"),
    ],
)
def test_wrong_options(tmp_path, options, text):
    with pytest.raises(UsageError, match=text):
        Upscaling(UpscalingOptions(**{"path": str(tmp_path), **options}))


@pytest.mark.parametrize(("scale", "channels"), [(1, 3), (2, 1), (4, 3)])
def test_real_labels_depend_on_the_generator_alone(tmp_path, scale, channels):
    write_photo(tmp_path)
    dataset = upscaling(tmp_path, degradation="real", scale=scale, channels=channels)
    real = 2 * cut(32, 6)[:, :channels] - 1
    first, again, other = (dataset.condition(real, seeded(seed)) for seed in (3, 3, 4))
    assert first.shape == (6, *dataset.info.label_shape)
    assert torch.equal(first, again)
    assert (first != other).float().mean() > 0.5
    levels = (first + 1) * 127.5
    assert (levels - levels.round()).abs().max() < 1e-3
    assert -1 <= first.min() < first.max() <= 1


def test_a_real_label_shows_its_image():
    """On average it is the shrunk image: no step shifts it, or changes its brightness or its colours."""
    images = cut(64)
    many = degradation.degrade(images.expand(256, -1, -1, -1), 4, seeded(), *degradation.REAL)
    mean, wanted = many.mean(0), degradation.shrink(images, 4)[0]
    assert (mean.mean((1, 2)) - wanted.mean((1, 2))).abs().max() < 0.02
    away = [(mean - wanted.roll(shift, 2)).square().mean() for shift in (-1, 0, 1)]
    assert away[1] == min(away)
    assert away[1].sqrt() < 0.06
    assert many.std(0).mean() > 0.03


# ----------------------------------------------------------------------------
# Kernels.


def moments(kernel):
    """Return the covariance of a kernel's places, [2, 2]."""
    places = torch.arange(kernels.SIDE, dtype=kernel.dtype) - kernels.SIDE // 2
    grid = torch.stack(torch.meshgrid(places, places, indexing="xy")).flatten(1)  # columns, rows
    return (grid * kernel.flatten()) @ grid.T


def test_kernels_sum_to_one_and_lie_in_the_middle():
    found = kernels.draw_kernels(kernels.Blur(), 2000, seeded())
    assert torch.allclose(found.sum((1, 2)), torch.ones(2000), atol=1e-5)
    assert torch.allclose(found, found.flip(1, 2), atol=1e-6)
    rows = (found != 0).any(2).sum(1)
    assert set(rows.tolist()) >= {7, 9, 11, 13, 15, 17, 19, 21}  # numbers far from the middle of narrow ones are 0
    assert rows.max() == 21
    assert 0.05 < (found < -1e-4).flatten(1).any(1).float().mean() < 0.15  # the sinc filters, a tenth
    assert torch.equal(found, kernels.draw_kernels(kernels.Blur(), 2000, seeded()))


def test_a_gaussian_kernel_has_its_widths_and_its_angle():
    wide, narrow, angle, one = (torch.tensor([value], dtype=torch.float64) for value in (2.5, 1.0, 0.5, 1.0))
    sides, plateau = torch.tensor([21]), torch.tensor([False])
    (kernel,) = kernels.make_gaussians(wide, narrow, angle, one, plateau, sides)
    c, s = math.cos(0.5), math.sin(0.5)
    rotation = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    wanted = rotation @ torch.diag(torch.tensor([2.5**2, 1.0], dtype=torch.float64)) @ rotation.T
    assert torch.allclose(moments(kernel), wanted, atol=0.02)


def test_plateaus_are_flat_and_generalised_gaussians_have_their_exponent():
    sides, width = torch.tensor([21]), torch.tensor([3.0])
    zero = torch.zeros(1)
    (plateau,) = kernels.make_gaussians(width, width, zero, torch.tensor([2.0]), torch.tensor([True]), sides)
    assert plateau[10, 13] / plateau[10, 10] == pytest.approx(1 / 2)  # at its width
    (sharp,) = kernels.make_gaussians(width, width, zero, torch.tensor([0.5]), torch.tensor([False]), sides)
    assert sharp[10, 16] / sharp[10, 10] == pytest.approx(math.exp(-((6 / 3) ** 1) / 2), rel=1e-4)


def test_a_sinc_filter_passes_low_frequencies_alone():
    (kernel,) = kernels.make_sincs(torch.tensor([math.pi / 2]), torch.tensor([21]))
    columns = torch.arange(kernels.SIDE) - kernels.SIDE // 2
    response = [float((kernel.sum(0) * (w * columns).cos()).sum()) for w in (0.0, math.pi / 4, 3 * math.pi / 4)]
    assert response == pytest.approx([1, 1, 0], abs=0.1)


def test_each_image_is_blurred_by_its_own_kernel():
    images = cut(24, 2)
    spot = torch.zeros(2, 21, 21)
    spot[0, 10, 10] = 1
    spot[1, 10, 11] = 1  # the pixel to the right
    blurred = kernels.blur_images(images, spot)
    assert torch.equal(blurred[0], images[0])
    assert torch.equal(blurred[1, :, :, :-1], images[1, :, :, 1:])


# ----------------------------------------------------------------------------
# JPEG, noise and sizes.


def compress_by_pillow(image, quality):
    buffer = io.BytesIO()
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels.squeeze()).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    decoded = np.asarray(Image.open(buffer)).reshape(pixels.shape)
    return torch.from_numpy(decoded.transpose(2, 0, 1).copy()) / 255


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_that_of_pillow(channels):
    image = cut(72)[0, :channels, :60]  # no multiple of 16
    errors = []
    for quality in (10, 30, 60, 90):
        (found,) = jpeg.compress(image[None], torch.tensor([float(quality)]))
        wanted = compress_by_pillow(image, quality)
        near, far = (found - wanted).square().mean().sqrt(), (image - wanted).square().mean().sqrt()
        assert near < max(0.25 * far, 1.5 / 255)
        errors.append(float((found - image).square().mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 4 * errors[-1]


def test_jpeg_of_full_quality_changes_little_and_each_image_has_its_own():
    image = torch.from_numpy(np.stack([np.add.outer(np.arange(32), np.arange(32)) * 4] * 3)[None] / 255).float()
    assert (jpeg.compress(image, torch.tensor([100.0])) - image).abs().max() < 2 / 255
    images = cut(32).expand(2, -1, -1, -1)
    both = jpeg.compress(images, torch.tensor([20.0, 80.0]))
    for one, quality in zip(both, (20.0, 80.0), strict=True):
        assert torch.equal(one, jpeg.compress(images[:1], torch.tensor([quality]))[0])


@pytest.mark.parametrize(("grey", "gaussian"), [(0.0, True), (1.0, True), (0.0, False), (1.0, False)])
def test_noise_has_its_strength(grey, gaussian, monkeypatch):
    stage = degradation.Stage(gaussian=(20, 20), poisson=(3, 3), grey=grey)
    images = torch.full((64, 3, 32, 32), 0.5)
    noise = degradation._add_noise(images, stage, seeded()) - images
    stds = noise.flatten(1).std(1)
    expected = 20 / 255 if gaussian else 3 * math.sqrt(0.5 / 255)
    mine = noise[((stds - 20 / 255).abs() < 0.02) == gaussian]
    assert 16 < len(mine) < 48
    assert mine.std() == pytest.approx(expected, rel=0.05)
    assert mine.mean().abs() < 0.005
    alike = (mine[:, 0] - mine[:, 1]).abs().max() < 1e-5
    assert alike == (grey == 1)


def test_sizes_are_random_in_their_range():
    images, stage, sizes = cut(40), degradation.Stage(), []
    for choices in torch.rand(300, 3, generator=seeded()).tolist():
        sizes.append(degradation._resize_at_random(images, 40, 40, stage, choices).shape[2])
    shares = [sum(check(size) for size in sizes) / 300 for check in ((40).__lt__, (40).__gt__, (40).__eq__)]
    assert shares == pytest.approx([0.2, 0.7, 0.1], abs=0.08)
    assert 6 <= min(sizes) < 10
    assert 55 < max(sizes) <= 60
