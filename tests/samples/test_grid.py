"""Grids: positions and colours of tiles, and conversion to bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.samples import grid


def flat(num: int, height: int, width: int, channels: int) -> np.ndarray:
    """Return images of one value each, which grows by 1 from channel to channel."""
    values = 10 * np.arange(1, num + 1)[:, None, None, None] + np.arange(channels)
    return np.broadcast_to(values, (num, height, width, channels)).astype(np.uint8)


def shrink(picture: Image.Image, factor: int) -> np.ndarray:
    """Return the pixels before enlargement; assert that each became a square."""
    pixels = np.asarray(picture)
    small = pixels[::factor, ::factor]
    assert np.array_equal(small.repeat(factor, 0).repeat(factor, 1), pixels)
    return small


# ----------------------------------------------------------------------------
# Conversion.


def test_the_ends_of_the_range_are_0_and_255_and_nothing_wraps():
    values = torch.tensor([-1.0, 1.0, -1.01, 1.01, -7.0, 7.0, 0.0, -1 + 1 / 255, 1 - 1 / 255])
    wanted = [0, 255, 0, 255, 0, 255, 128, 0, 254]  # halves are rounded to the even byte
    assert grid.to_uint8(values.view(9, 1, 1, 1)).ravel().tolist() == wanted


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_byte_comes_back_from_its_float(dtype):
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    floats = images.float().div(127.5).sub(1).to(dtype)
    assert np.array_equal(grid.to_uint8(floats)[0, ..., 0], images[0, 0].numpy())


def test_channels_come_last():
    samples = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5).div(127.5).sub(1)
    images = grid.to_uint8(samples)
    assert images.shape == (2, 4, 5, 3)
    assert images.dtype == np.uint8
    assert images[1, 2, 3, 1] == 60 + 20 + 10 + 3


def test_samples_are_not_changed():
    samples = torch.full((1, 1, 2, 2), 0.5)
    grid.to_uint8(samples)
    assert torch.equal(samples, torch.full((1, 1, 2, 2), 0.5))


# ----------------------------------------------------------------------------
# Tiles.


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_tiles_are_placed_row_by_row_with_gaps(channels, mode):
    picture = grid.tile(flat(5, 3, 4, channels), columns=2)
    assert picture.mode == mode
    height, width = 3 * (3 + 2) + 2, 2 * (4 + 2) + 2
    factor = 1024 // width
    assert picture.size == (width * factor, height * factor)
    pixels = shrink(picture, factor).reshape(height, width, channels)
    wanted = np.full((height, width, channels), 128)
    for index, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]):
        top, left = 2 + 5 * row, 2 + 6 * column
        wanted[top : top + 3, left : left + 4] = 10 * (index + 1) + np.arange(channels)
    assert np.array_equal(pixels, wanted)


@pytest.mark.parametrize(
    ("num", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (9, 3, 3), (64, 8, 8), (65, 9, 8)]
)
def test_by_default_the_grid_is_about_square(num, columns, rows):
    picture = grid.tile(np.zeros((num, 30, 30, 1), np.uint8))
    factor = 1024 // (32 * columns + 2)
    assert picture.size == ((32 * columns + 2) * factor, (32 * rows + 2) * factor)


def test_wide_grids_are_not_enlarged():
    assert grid.tile(np.zeros((2, 600, 600, 1), np.uint8)).size == (2 * 602 + 2, 604)


# ----------------------------------------------------------------------------
# Files.


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("suffix", "format"), [(".png", "PNG"), (".jpg", "JPEG"), (".webp", "WEBP")])
def test_a_picture_becomes_a_file_of_its_suffix(channels, suffix, format):
    picture = grid.to_picture(flat(1, 8, 8, channels)[0])
    with Image.open(io.BytesIO(grid.encode_picture(picture, suffix))) as image:
        assert image.format == format
        assert image.size == (8, 8)
        if suffix == ".png":
            assert np.array_equal(np.asarray(image).reshape(8, 8, channels), flat(1, 8, 8, channels)[0])


@pytest.mark.parametrize(
    ("classes", "columns"),
    [(0, 8), (1, 8), (2, 8), (3, 6), (4, 8), (5, 5), (8, 8), (9, 9), (10, 10), (16, 16), (17, 8), (1000, 8)],
)
def test_columns_are_a_multiple_of_few_classes(classes, columns):
    assert grid.choose_columns(classes) == columns
