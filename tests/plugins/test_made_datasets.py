"""The datasets `shapes`, `glyphs` and `npz`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource
from ganzoo.plugin import Corrupt, NotFound, UsageError
from ganzoo_datasets.arrays import Arrays
from ganzoo_datasets.glyphs import Glyphs, draw_character
from ganzoo_datasets.shapes import Shapes, draw_scenes, recognise_scenes
from ganzoo_datasets.specs.arrays import ArraysOptions
from ganzoo_datasets.specs.made import GlyphsOptions, ShapesOptions

# ----------------------------------------------------------------------------
# Shapes.


@pytest.mark.parametrize("size", [32, 40])
def test_each_scene_is_recognised(size: int) -> None:
    scenes, labels = Shapes(ShapesOptions(size=size)).sample(torch.Generator().manual_seed(0), 1500)
    assert torch.equal(recognise_scenes(scenes), labels)
    assert len(labels.unique()) == 192


def test_a_scene_is_what_its_class_says() -> None:
    info = Shapes(ShapesOptions()).info
    label = info.class_names.index("circle green black top-right")
    zero = torch.zeros(1)
    scene = draw_scenes(torch.tensor([label]), zero + 0.2, zero, zero, 64)[0]
    assert scene[:, 16, 48].tolist() == [40, 180, 60]  # the middle of the place
    assert scene[:, 0, 0].tolist() == scene[:, 16, 48 + 14].tolist() == [0, 0, 0]
    area = scene[1].float().sum() / 180 / 64**2
    assert area == pytest.approx(torch.pi * 0.2**2, rel=0.01)


# ----------------------------------------------------------------------------
# Glyphs.


def test_characters_are_classes() -> None:
    data = Glyphs(GlyphsOptions(characters="Ab7", copies=4))
    assert (data.info.class_names, data.info.num_items) == (("A", "b", "7"), 12)
    items = data.items()
    assert [item.label for item in items] == [0] * 4 + [1] * 4 + [2] * 4
    images = [item.load() for item in items]
    assert len({image.tobytes() for image in images}) == 12
    for image in images:
        assert image.shape == (1, 32, 32)
        assert image.min() < 60
        assert {*image[0, [0, -1]].ravel().tolist(), *image[0, :, [0, -1]].ravel().tolist()} <= set(range(250, 256))


def test_the_first_copy_is_upright_and_in_the_middle() -> None:
    ink = 255.0 - draw_character("included", "O", 64)[0]
    assert np.abs(ink - ink[:, ::-1]).mean() < 12
    rows, columns = (np.average(np.arange(64), weights=ink.sum(axis)) for axis in (1, 0))
    assert (rows, columns) == pytest.approx((31.5, 31.5), abs=0.8)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"characters": ""}, UsageError, "name at least one character, each once"),
        ({"characters": "AA"}, UsageError, "name at least one character, each once"),
        ({"characters": "A\u4e2d"}, NotFound, "no font has '\u4e2d': remove it from dataset.characters"),
        ({"fonts": "none"}, NotFound, r"^dataset.fonts: 'none' has no .ttf or .otf files"),
    ],
)
def test_characters_and_fonts_that_are_missing(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Glyphs(GlyphsOptions(**options))


def test_a_broken_font_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.ttf").write_bytes(b"no font")
    with pytest.raises(NotFound, match="no font has"):
        Glyphs(GlyphsOptions(fonts=str(tmp_path)))


# ----------------------------------------------------------------------------
# Arrays.

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 10, 12, 3), np.uint8)  # [N, H, W, C]
FIRST = IMAGES.transpose(0, 3, 1, 2)


def arrays(path: Path, **options: Any) -> Arrays:
    return Arrays(ArraysOptions(path=str(path), **options))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (IMAGES, FIRST),
        (FIRST, FIRST),
        (IMAGES[..., 0], FIRST[:, :1]),
        (IMAGES / 255, FIRST),
        (IMAGES.astype(np.float32), FIRST),
        (IMAGES.astype(np.int64), FIRST),
        (IMAGES > 127, (FIRST > 127) * np.uint8(255)),
        ((IMAGES / 127.5 - 1).astype(np.float32), (FIRST / 127.5 - 1).astype(np.float32)),
        (np.array([[1.5, -3], [2, 7]]), np.array([[1.5, -3], [2, 7]], np.float32)),
    ],
    ids=["last", "first", "grey", "to-1", "to-255", "int64", "bool", "floats", "points"],
)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_of_each_form(tmp_path: Path, suffix: str, samples: Any, expected: Any) -> None:
    path = tmp_path / f"a.{suffix}"
    np.save(path, samples) if suffix == "npy" else np.savez_compressed(path, samples)
    data = arrays(path)
    assert data.data.dtype == expected.dtype
    assert np.array_equal(data.data, expected)
    source = open_source(data, name="npz", key="k", notify=print)
    assert isinstance(source, ArraySource)
    assert len(source.data) == len(samples)


def test_labels_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=np.array([[0], [2], [1], [0], [1], [2]]), more=np.eye(6))
    data = arrays(tmp_path / "a.npz")
    assert data.labels is not None
    assert data.labels.tolist() == [0, 2, 1, 0, 1, 2]
    assert arrays(tmp_path / "a.npz", labels="more").info.label_shape == (6,)
    assert arrays(tmp_path / "a.npz", labels="none").info.labelled is False
    assert arrays(tmp_path / "a.npz", samples="more", labels="none").info.modality == "points"
    small = arrays(tmp_path / "a.npz", size=8)
    first = Image.fromarray(IMAGES[0]).resize((8, 8), Image.Resampling.LANCZOS)
    assert np.array_equal(small.data[0].transpose(1, 2, 0), np.asarray(first))


@pytest.mark.parametrize(
    ("content", "options", "error", "message"),
    [
        ({"a": IMAGES, "b": IMAGES}, {}, UsageError, r"no array 'samples' \(it has a, b\): set dataset.samples=NAME"),
        ({"x": IMAGES}, {"labels": "z"}, UsageError, r"no array 'z' \(it has x\): set dataset.labels=NAME"),
        ({"x": IMAGES, "y": [0, 1]}, {}, UsageError, "has 6 samples in 'x' and 2 labels"),
        ({"x": IMAGES, "y": 3}, {}, UsageError, "has 6 samples in 'x' and 0 labels"),
        ({"x": IMAGES, "y": [0, 1, 2, 3, 4, 10**12]}, {}, UsageError, "are not whole numbers from 0, below 1,048,576"),
        ({"x": np.full((6, 2), "a")}, {}, UsageError, "'x' has <U1 and not numbers"),
        ({"x": IMAGES, "y": np.full((6, 2), "a")}, {}, UsageError, "'labels' has <U1 and not numbers"),
        ({"x": IMAGES, "y": [0, 1, 2, 3, 4, -1]}, {}, UsageError, "are not whole numbers from 0"),
        ({"x": IMAGES, "y": list("abcdef")}, {}, UsageError, "are not whole numbers from 0"),
        ({"x": IMAGES * 2.0}, {}, UsageError, "numbers from 0 to 510: scale images to 0 to 255"),
        ({"x": IMAGES * np.nan}, {}, UsageError, "numbers from nan to nan"),
        ({"x": np.array([[np.inf, 1]])}, {}, UsageError, "is empty or has numbers that are not finite"),
        ({"x": IMAGES[0, 0, 0]}, {}, UsageError, "has the shape"),
        ({"x": IMAGES[:0]}, {}, UsageError, "is empty"),
        ({"x": IMAGES}, {"layout": "none"}, UsageError, "which dataset.layout=none does not fit"),
        ({"x": np.array(["a"])}, {}, UsageError, "has <U1 and not numbers"),
        ({"x": np.array([print], dtype=object)}, {}, Corrupt, "is damaged, or has objects that are not arrays"),
    ],
)
def test_wrong_arrays(
    tmp_path: Path, content: dict[str, Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(error, match=message):
        arrays(tmp_path / "a.npz", **options)


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_damaged_files_of_arrays(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    np.savez(path, x=IMAGES) if name == "a.npz" else np.save(path, IMAGES)
    whole = path.read_bytes()
    for content in (whole[:-300], whole[:50], b"", b"<html>" * 9):
        path.write_bytes(content)
        with pytest.raises(Corrupt, match="is damaged, or has objects that are not arrays"):
            arrays(path)
    with pytest.raises(NotFound, match="does not exist or is not a file"):
        arrays(tmp_path / "none.npz")
