"""Grids: where tiles lie, what colour they have, how numbers become bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.compute.streams import Streams, draw_latents
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo
from ganzoo.samples import grid


def flat(num: int, height: int, width: int, channels: int) -> np.ndarray:
    """Return images of one value each, and a step from channel to channel."""
    values = 10 * np.arange(1, num + 1)[:, None, None, None] + np.arange(channels)
    return np.broadcast_to(values, (num, height, width, channels)).astype(np.uint8)


def shrunk(picture: Image.Image, factor: int) -> np.ndarray:
    """Return the pixels as they were before enlargement; every enlarged one must be a whole square."""
    pixels = np.asarray(picture)
    small = pixels[::factor, ::factor]
    assert np.array_equal(small.repeat(factor, 0).repeat(factor, 1), pixels)
    return small


# ----------------------------------------------------------------------------
# Conversion.


def test_the_ends_of_the_range_are_0_and_255_and_beyond_them_nothing_wraps():
    values = torch.tensor([-1.0, 1.0, -1.01, 1.01, -7.0, 7.0, 0.0, -1 + 1 / 255, 1 - 1 / 255])
    wanted = [0, 255, 0, 255, 0, 255, 128, 0, 254]  # halves go to the even byte
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
def test_tiles_lie_row_by_row_with_gaps_all_round(channels, mode):
    picture = grid.tile(flat(5, 3, 4, channels), columns=2)
    assert picture.mode == mode
    height, width = 3 * (3 + 2) + 2, 2 * (4 + 2) + 2
    factor = 1024 // width
    assert picture.size == (width * factor, height * factor)
    pixels = shrunk(picture, factor).reshape(height, width, channels)
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
# Drawing and files.


def test_images_are_drawn_as_tiles_of_bytes():
    samples = torch.linspace(-1, 1, 6 * 3 * 16).view(6, 3, 4, 4)
    drawn = grid.draw(samples, DataInfo(shape=(3, 4, 4)), columns=2)
    assert drawn is not None
    assert np.array_equal(np.asarray(drawn), np.asarray(grid.tile(grid.to_uint8(samples), 2)))


def painted(samples: np.ndarray, info: DataInfo) -> np.ndarray:
    """What a dataset's `render` does, of a known look."""
    assert samples.dtype == np.float32
    assert info.shape == (2,)
    return np.full((5, 7, 3), len(samples), np.uint8)


def test_samples_that_are_no_images_are_drawn_by_what_their_dataset_names():
    info = DataInfo(shape=(2,), modality="points")
    drawn = grid.draw(torch.zeros(9, 2, dtype=torch.float64), info, f"{__name__}:painted")
    assert drawn is not None
    assert drawn.size == (7, 5)
    assert drawn.getpixel((3, 2)) == (9, 9, 9)
    assert grid.draw(torch.zeros(9, 2), info) is None


def spelled(samples: np.ndarray, info: DataInfo) -> str:
    """What a dataset's `write` does."""
    assert samples.dtype == np.float32
    assert info.shape == (2,)
    return "".join(f"{x:g},{y:g}\n" for x, y in samples)


def unspelled(samples: np.ndarray, info: DataInfo) -> bytes:
    return b"1,2"


def unended(samples: np.ndarray, info: DataInfo) -> str:
    return "1,2\n3,4"


def test_samples_that_are_read_are_written_by_what_their_dataset_names():
    info = DataInfo(shape=(2,), modality="tabular")
    samples = torch.tensor([[1, 2], [3, 4.5]], dtype=torch.float64)
    assert grid.write(samples, info, f"{__name__}:spelled") == "1,2\n3,4.5\n"
    assert grid.write(samples, info, f"{__name__}:unended") == "1,2\n3,4\n"
    assert grid.write(samples, info) is None


def test_what_is_no_text_is_told_with_who_wrote_it():
    with pytest.raises(GanzooError, match=r"test_grid:unspelled wrote samples as bytes: it must return a str"):
        grid.write(torch.zeros(1, 2), DataInfo(shape=(2,), modality="points"), f"{__name__}:unspelled")


@pytest.mark.parametrize(
    ("modality", "render", "writer", "num"),
    [("image", "", "", 64), ("points", "", "", 2500), ("points", "a:b", "a:b", 2500), ("points", "", "a:b", 64)],
)
def test_what_is_taken_in_one_by_one_is_shown_in_small_numbers(modality, render, writer, num):
    data = DataInfo(shape=(1, 4, 4) if modality == "image" else (2,), modality=modality)
    assert grid.count(data, render, writer) == num


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("suffix", "format"), [(".png", "PNG"), (".jpg", "JPEG"), (".webp", "WEBP")])
def test_a_picture_becomes_a_file_of_its_suffix(channels, suffix, format):
    picture = grid.picture(flat(1, 8, 8, channels)[0])
    with Image.open(io.BytesIO(grid.encode(picture, suffix))) as image:
        assert image.format == format
        assert image.size == (8, 8)
        if suffix == ".png":
            assert np.array_equal(np.asarray(image).reshape(8, 8, channels), flat(1, 8, 8, channels)[0])


# ----------------------------------------------------------------------------
# Grids of a run.


@pytest.mark.parametrize(
    ("classes", "columns"),
    [(0, 8), (1, 8), (2, 8), (3, 6), (4, 8), (5, 5), (8, 8), (9, 9), (10, 10), (16, 16), (17, 8), (1000, 8)],
)
def test_columns_are_a_multiple_of_few_classes(classes, columns):
    assert grid.columns_for(classes) == columns


def test_a_conditional_grid_has_columns_of_one_class_each(toys):
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, conditional=True)
    generator = ganzoo.load(run)
    z = draw_latents("normal", Streams(0, torch.device("cpu")).generator("grid-z", 0), 64, 4)
    wanted = grid.draw(generator(z, torch.tensor([0, 1] * 32)), generator.data, columns=8)
    with Image.open(run.grid(64)) as drawn:
        assert np.array_equal(np.asarray(drawn), np.asarray(wanted))


def test_where_samples_cannot_be_drawn_a_run_keeps_their_text_and_trackers_are_spared(toys):
    run = ganzoo.train(arch="toy", dataset="toy-lines", images=64, tracker="toy-tracker", options={"train.seed": 3})
    generator = ganzoo.load(run)
    z = draw_latents("normal", Streams(3, torch.device("cpu")).generator("grid-z", 0), 64, 4)
    assert (run.path / "fakes-000000064.txt").read_text() == generator.text(generator(z))
    assert (run.path / "fakes-000000000.txt").read_text() != generator.text(generator(z))
    reals = [[float(x) for x in line.split()] for line in (run.path / "reals.txt").read_text().splitlines()]
    assert np.linalg.norm(reals, axis=1) == pytest.approx(np.full(64, 0.5), abs=1e-4)
    assert not list(run.path.glob("*.png"))
    assert {event[0] for event in toys.EVENTS} == {"start", "log", "finish"}
