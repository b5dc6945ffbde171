"""The dataset `pairs`: images whose labels are images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource
from ganzoo.plugin import NotFound, UsageError
from ganzoo_datasets.pairs import Pairs
from ganzoo_datasets.specs.pairs import PairsOptions


def write(folder: Path, **images: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, red in images.items():
        Image.new("RGB", (8, 8), (red, 0, 0)).save(folder / f"{name}.png")


def reds(of: Pairs, tmp_path: Path) -> list[tuple[int, int]]:
    """Return the values of each image and of its input, through the packed store."""
    source = open_source(of, name="pairs", key="k", notify=print, cache=tmp_path / ".cache")
    assert isinstance(source, ArraySource)
    assert source.labels is not None
    return list(zip(source.data[:, 0, 0, 0].tolist(), source.labels[:, 0, 0, 0].tolist(), strict=True))


def pairs(path: Path, **options: Any) -> Pairs:
    return Pairs(PairsOptions(path=str(path), **{"size": 8, **options}))


@pytest.mark.parametrize(("a", "b"), [("A", "B"), ("trainA", "trainB")])
def test_images_of_one_name_belong_together(tmp_path: Path, a: str, b: str) -> None:
    write(tmp_path / a, one=11, two=12, alone=13)
    write(tmp_path / b, two=2, one=1, other=3)
    assert reds(pairs(tmp_path), tmp_path) == [(1, 11), (2, 12)]
    assert reds(pairs(tmp_path / a, inputs=str(tmp_path / b)), tmp_path) == [(11, 1), (12, 2)]
    info = pairs(tmp_path, input_size=4, input_channels=1).info
    assert (info.shape, info.label_shape, info.label_dtype) == ((3, 8, 8), (1, 4, 4), "uint8")


def test_images_without_a_partner_are_said_once(tmp_path: Path) -> None:
    write(tmp_path / "A", one=11, x=1, y=2)
    write(tmp_path / "B", one=1, z=3)
    lines: list[str] = []
    open_source(pairs(tmp_path), name="pairs", key="k", notify=lines.append, cache=tmp_path / ".cache")
    assert lines == ["3 images are left out, because no other has their name: z.png, x.png and 1 more"]
    assert pairs(tmp_path, aligned=False).notes() == []
    write(tmp_path / "A", z=4)
    assert pairs(tmp_path).notes() == ["2 images are left out, because no other has their name: x.png, y.png"]


@pytest.mark.parametrize("halves", ["left", "right"])
def test_halves_of_sixteen_bits_are_scaled_and_upright(tmp_path: Path, halves: str) -> None:
    grey = np.repeat(np.arange(16, dtype=np.uint16)[None] * 4000, 8, 0)
    Image.fromarray(grey).save(tmp_path / "a.png")
    (item,) = pairs(tmp_path, halves=halves).items()
    assert item.target is not None
    parts = (item.target(), item.load()) if halves == "left" else (item.load(), item.target())
    assert np.abs(np.concatenate(parts, 2)[0, 0] - np.arange(16) * 4000 / 257).max() <= 1
    upright = Image.new("RGB", (16, 8), (10, 0, 0))
    upright.paste((200, 0, 0), (8, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees to the right
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    expected = (200, 10) if halves == "left" else (10, 200)
    assert (item.load()[0, 4, 4], item.target()[0, 4, 4]) == expected


def test_images_that_are_not_aligned_all_occur(tmp_path: Path) -> None:
    write(tmp_path / "A", **{f"a{number}": 100 + number for number in range(7)})
    write(tmp_path / "B", **{f"b{number}": number for number in range(3)})
    found = reds(pairs(tmp_path, aligned=False), tmp_path)
    assert {image for image, _ in found} == {0, 1, 2}
    assert {label for _, label in found} == set(range(100, 107))
    assert len(found) == 7
    assert found == reds(pairs(tmp_path, aligned=False), tmp_path / "again")


@pytest.mark.parametrize(("halves", "expected"), [("left", (20, 10)), ("right", (10, 20))])
def test_both_may_stand_side_by_side(tmp_path: Path, halves: str, expected: tuple[int, int]) -> None:
    image = Image.new("RGB", (16, 8), (10, 0, 0))
    image.paste((20, 0, 0), (8, 0, 16, 8))
    image.save(tmp_path / "a.png")
    assert reds(pairs(tmp_path, halves=halves), tmp_path) == [expected]


def test_random_crops_are_at_the_same_place(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    for name, pixels in (("A", 255 - noise), ("B", noise)):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "a.png")
    (item,) = pairs(tmp_path, crop="random").items()
    assert item.target is not None
    assert np.array_equal(item.load(), 255 - item.target())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": ""}, UsageError, r"needs a folder with the folders A and B: add dataset.path=FOLDER"),
        ({"path": "{}/A"}, NotFound, "has no folders A .* and B .*: make them, set dataset.inputs=FOLDER, or"),
        ({"path": "{}"}, NotFound, r"has the name of an image to generate \(y.png ...\): name them alike, or add"),
        ({"path": "{}/A", "inputs": "{}/none"}, NotFound, "none' does not exist"),
        ({"path": "{}/A", "inputs": "{}/B", "halves": "left"}, UsageError, "are two ways to give the inputs"),
    ],
)
def test_wrong_folders(tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str) -> None:
    write(tmp_path / "A", x=1)
    write(tmp_path / "B", y=1)
    with pytest.raises(error, match=message):
        Pairs(PairsOptions(**{name: str(each).format(tmp_path) for name, each in options.items()}))
