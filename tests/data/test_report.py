"""A report says what a dataset is, with numbers that are counted by hand here."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.facts import count_classes, find_copies, measure_values
from ganzoo.data.opening import open_source
from ganzoo.data.originals import describe_originals
from ganzoo.data.report import describe_report, list_warnings, make_report, summarise_source
from ganzoo.data.source import ArraySource, EndlessSource
from ganzoo.plugin import DataInfo, Item, describe_image, read_image
from ganzoo_datasets.folder import Folder
from ganzoo_datasets.specs.folder import FolderOptions

NOISE = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def make_source(data: torch.Tensor, labels: list[int] | None = None, **info: Any) -> ArraySource:
    known = DataInfo(shape=tuple(data.shape[1:]), num_items=len(data), **info)
    return ArraySource(known, data, None if labels is None else torch.tensor(labels))


def test_classes_of_a_part_are_counted() -> None:
    source = make_source(NOISE[:6], [0, 1, 1, 3, 3, 3], num_classes=4)
    assert count_classes(source) == [1, 2, 0, 3]
    assert count_classes(source.select(torch.tensor([1, 3, 4]))) == [0, 1, 0, 2]
    assert count_classes(make_source(NOISE)) == []


def test_values_are_those_of_the_samples() -> None:
    found = measure_values(make_source(NOISE))
    scaled = NOISE.double() / 127.5 - 1
    assert (found.low, found.high) == (NOISE.min(), NOISE.max())
    np.testing.assert_allclose(found.mean, scaled.mean((0, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(found.std, scaled.std((0, 2, 3), correction=0), atol=1e-6)
    points = torch.tensor([[1.0, -5.0], [3.0, -5.0]])
    found = measure_values(make_source(points, modality="points", dtype="float32"))
    assert (found.mean, found.std, found.low, found.high) == ((2.0, -5.0), (1.0, 0.0), -5.0, 3.0)


def test_grey_and_constant_images_are_counted() -> None:
    data = NOISE.clone()
    data[:7] = data[:7, :1]  # equal channels
    data[3, 0, 0, 0] ^= 2  # a JPEG rounds so
    data[8:10] = 77
    found = measure_values(make_source(data))
    assert (found.grey, found.constant) == (9, 2)
    assert measure_values(make_source(data), most=2).grey == 1  # the first and the last


def test_copies_have_the_numbers_of_the_samples() -> None:
    data = torch.cat([NOISE, NOISE[:2], NOISE[5:6]])
    data[12] = (data[11].int() + 1).clamp(max=255).byte()
    found = find_copies(make_source(data))
    assert (sorted(found.equal), found.num_equal) == ([[0, 40], [1, 41], [5, 42]], 3)
    assert (found.alike, found.num_alike) == ([(11, 12)], 1)
    assert find_copies(make_source(data), alike=False).alike == []


# ----------------------------------------------------------------------------
# Files.


@pytest.mark.parametrize("crop", ["centre", "pad", "random"])
@pytest.mark.parametrize("shape", [(400, 300), (30, 40), (64, 64), (200, 20)])
def test_what_is_kept_of_a_file_is_what_is_read(crop: Any, shape: tuple[int, int]) -> None:
    import io

    buffer, (width, height) = io.BytesIO(), shape
    image = Image.new("RGB", shape)
    image.getexif()[0x0112] = 6  # lies on its side
    image.save(buffer, "PNG", exif=image.getexif())
    found = describe_image(buffer.getvalue(), (64, 48), crop)
    assert (found["width"], found["height"], found["mode"], found["format"]) == (height, width, "RGB", "PNG")
    assert read_image(buffer.getvalue(), size=(64, 48), crop=crop).shape == (3, 48, 64)
    if crop == "centre":
        factor = max(64 / height, 48 / width)
        assert found["kept"] == pytest.approx(64 * 48 / factor**2 / (width * height))
    elif crop == "pad":
        assert (found["kept"], found["scale"]) == (1.0, min(64 / height, 48 / width))
    else:
        assert found["scale"] == max(1, 64 / height, 48 / width)
        assert found["kept"] == pytest.approx(64 * 48 / found["scale"] ** 2 / (width * height))


def write_folder(folder: Path) -> dict[str, Any]:
    """Write files with one fault of each kind."""
    sizes = {"a/1.png": (60, 60), "a/2.jpg": (90, 60), "b/3.png": (20, 40), "b/4.png": (60, 60)}
    for number, (name, size) in enumerate(sizes.items()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number % 3).integers(0, 256, (*size[::-1], 1), np.uint8).repeat(3, 2)
        Image.fromarray(pixels).convert("L" if number == 2 else "RGB").save(folder / name)
    (folder / "b" / "5.png").write_bytes(b"no image")
    return {"path": str(folder), "size": 32}


def test_a_report_on_a_folder(tmp_path: Path) -> None:
    dataset = Folder(FolderOptions(**write_folder(tmp_path / "photos")))
    source = open_source(dataset, name="folder", key="k", notify=pytest.fail, cache=tmp_path / "cache")
    report = make_report(source, dataset.items())
    lines = dict(describe_report(report))
    assert lines["samples"] == "4 of 3x32x32, uint8"
    assert lines["files"] == "4: PNG 3, JPEG 1; RGB 3, L 1; width 20 to 90 (median 60), height 40 to 60 (median 60)"
    assert lines["resizing"] == (
        "width / height is 0.50 to 1.50 (median 1.00), and 79% of the pixels are used; 25% of the files are smaller "
        "and are enlarged"
    )
    assert lines["unreadable"] == "1: b/5.png (not an image that Pillow can read)"
    assert lines["classes"] == "2 with 2 samples (a: 2, b: 2)"
    assert lines["copies"] == "1 equal to another (a/1.png = b/4.png); 0 look like another"
    assert list_warnings(report, {"channels": 3, "crop": "centre"}) == [
        "all images are grey although they have three channels: dataset.channels=1 trains faster",
        "copies of other samples: 1; they count more often, so remove them",
        "25% of the files are smaller than the samples: a smaller dataset.size is sharper",
    ]
    found = report.to_json()
    assert found["copies"]["equal_samples"] == [["a/1.png", "b/4.png"]]
    assert (found["num"], found["classes"], len(found["unreadable"])) == (4, {"a": 2, "b": 2}, 1)


def test_only_some_of_very_many_files_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzoo.data import originals

    monkeypatch.setattr(originals, "MOST", 3)
    facts = {"mode": "L", "format": "PNG", "kept": 1.0, "scale": 0.5, "height": 5}
    items = [
        Item(name=str(n), load=lambda: np.zeros(1), original=lambda n=n: {"width": n + 1, **facts})  # type: ignore[misc]
        for n in range(101)
    ]
    found = describe_originals(items)
    assert found is not None
    assert (found.num, found.width) == (3, (1, 51, 101))
    assert describe_originals([replace(item, original=None) for item in items]) is None


def test_strange_data_are_warned_of() -> None:
    black = make_source((NOISE > 127).byte(), [0] * 39 + [1], num_classes=2)
    assert list_warnings(make_report(black), {}) == [
        "all numbers are from 0 to 1 of 255, which is almost black: scale them",
        "class '1' has only 1 of 40 samples: add more of it",
    ]
    assert list_warnings(make_report(make_source(NOISE)), {}) == []


# ----------------------------------------------------------------------------
# Before a training.


def test_a_training_says_at_most_two_lines() -> None:
    labels = [n % 2 for n in range(42)]
    data = torch.cat([NOISE, NOISE[:2]])
    assert summarise_source(make_source(data, labels, num_classes=2)).lines == [
        "data: 42 samples in 2 classes of 21",
        "copies of other samples: 2; `ganzoo data check` shows which",
    ]
    assert summarise_source(make_source(NOISE)).lines == ["data: 40 samples"]
    strange = summarise_source(make_source(torch.full_like(data, 9)))
    assert (strange.facts["data/samples"], strange.facts["data/constant"]) == (42, 1)


def test_a_training_looks_at_some_of_many_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzoo.data import report

    monkeypatch.setattr(report, "SAMPLED", 10)
    monkeypatch.setattr(report, "QUICK", 0)
    grey = NOISE[:, :1].expand(-1, 3, -1, -1)
    found = summarise_source(make_source(torch.cat([grey, grey])))
    assert found.lines == ["data: 80 samples"]
    assert found.facts.items() >= {"data/grey": 1, "data/constant": 0, "data/unreadable": 0}.items()
    assert "data/equal" not in found.facts


def test_an_endless_dataset_is_looked_at_in_a_draw() -> None:
    info = DataInfo(shape=(2,), modality="points")
    source = EndlessSource(info, lambda generator, n: (torch.randn(n, 2, generator=generator), None))
    report = make_report(source)
    assert (report.num, report.drawn) == (10_000, True)
    assert dict(describe_report(report))["samples"] == "10,000 of 2, uint8, drawn from a dataset without end"
    few = EndlessSource(info, lambda generator, n: (torch.randint(9, (n, 2), generator=generator), None))
    report = make_report(few)
    assert report.copies.num_equal > 9000
    assert list_warnings(report, {}) == []
    assert summarise_source(source).lines == []
