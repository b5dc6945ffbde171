"""Showing samples: grids, files by a dataset's function, and files of a run."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.cli import main
from ganzoo.compute.streams import Streams, draw_latents
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Dataset, NoOptions, hookimpl
from ganzoo.registry import register
from ganzoo.samples import grid
from ganzoo.samples.show import can_show, convert_files, count_shown, select_kept_files, show, shows_labels

POINTS = DataInfo(shape=(2,), modality="points")


def dataset(name: str, **fields: object) -> Dataset:
    return Dataset(name="mine", summary="Mine.", factory="a:b", show=f"{__name__}:{name}", **fields)


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def test_images_become_a_grid():
    samples = torch.linspace(-1, 1, 6 * 3 * 16).view(6, 3, 4, 4)
    files = show(samples, DataInfo(shape=(3, 4, 4)), columns=2)
    assert list(files) == ["samples.png"]
    assert np.array_equal(pixels(files["samples.png"]), np.asarray(grid.tile(grid.to_uint8(samples), 2)))


def test_a_label_image_is_shown_beside_its_sample():
    data = DataInfo(shape=(3, 4, 6), label_shape=(1, 2, 3))
    samples, labels = torch.zeros(5, 3, 4, 6), torch.linspace(-1, 1, 30).view(5, 1, 2, 3)
    picture = pixels(show(samples, data, labels=labels)["samples.png"])
    larger = labels.repeat_interleave(2, 2).repeat_interleave(2, 3).expand(-1, 3, -1, -1)
    wanted = grid.tile(grid.to_uint8(torch.stack([larger, samples], 1).flatten(0, 1)), grid.SIDE)
    assert np.array_equal(picture, np.asarray(wanted))


@pytest.mark.parametrize(("channels", "beside"), [((3, 3), True), ((1, 3), True), ((4, 3), False), ((3, 4), False)])
def test_a_label_is_shown_beside_its_sample_where_both_are_grey_or_colour(channels, beside):
    data = DataInfo(shape=(channels[0], 4, 6), label_shape=(channels[1], 4, 6))
    samples, labels = torch.zeros(5, *data.shape), torch.zeros(5, *data.label_shape)
    alone = show(samples, data)["samples.png"]
    assert (show(samples, data, labels=labels)["samples.png"] != alone) == beside
    assert shows_labels(data, None) == beside
    assert not shows_labels(data, dataset("files"))
    assert not shows_labels(DataInfo(shape=(3, 4, 6), label_shape=(7,)), None)


def files(samples: np.ndarray, info: DataInfo) -> dict[str, bytes]:
    assert samples.dtype == np.float32
    assert info == POINTS
    return {
        "b.csv": b"x,y\n",
        "a.png": grid.encode_picture(Image.new("RGB", (5, 7), (len(samples), 0, 0))),
        "c.csv": b"z",
    }


def test_other_samples_are_shown_by_the_datasets_function():
    made = show(torch.zeros(9, 2, dtype=torch.float64), POINTS, dataset("files"))
    assert list(made) == ["b.csv", "a.png", "c.csv"]
    assert pixels(made["a.png"])[0, 0].tolist() == [9, 0, 0]
    assert convert_files(made, ".csv") == convert_files(made, ".txt") == b"x,y\n"
    assert Image.open(io.BytesIO(convert_files(made, ".webp") or b"")).format == "WEBP"
    assert convert_files(made, ".wav") is None
    assert show(torch.zeros(9, 2), POINTS) == {}
    assert (can_show(POINTS, None), can_show(POINTS, dataset("files"))) == (False, True)


def test_runs_and_packages_keep_any_picture_as_png():
    photo = grid.encode_picture(Image.new("RGB", (5, 7), (200, 0, 0)), ".jpg")
    kept = select_kept_files({"a.csv": b"1", "a.jpg": photo, "b.webp": b"no matter", "b.csv": b"2"})
    assert list(kept) == [".png", ".csv"]
    assert np.array_equal(pixels(kept[".png"]), pixels(photo))
    assert select_kept_files({"a.jpg": photo, "a.png": b"as it is"}) == {".png": b"as it is"}
    assert select_kept_files({"a.csv": b"1"}) == {".csv": b"1"}


def text(samples: np.ndarray, info: DataInfo) -> str:
    return "1,2"


def unnamed(samples: np.ndarray, info: DataInfo) -> dict[str, bytes]:
    return {"../a.png": b"1"}


def empty(samples: np.ndarray, info: DataInfo) -> dict[str, bytes]:
    return {}


@pytest.mark.parametrize(
    ("name", "words"), [("text", "returned str"), ("unnamed", r"returned bytes under '../a.png'"), ("empty", "nothing")]
)
def test_an_invalid_result_of_show_is_reported_with_its_function(name, words):
    with pytest.raises(GanzooError, match=rf"test_show:{name} .*{words}.*: it must return bytes by"):
        show(torch.zeros(1, 2), POINTS, dataset(name))


def test_as_many_are_shown_as_the_dataset_asks_for():
    assert count_shown(DataInfo(shape=(1, 4, 4))) == count_shown(POINTS, dataset("files")) == 64
    assert count_shown(POINTS, dataset("files", num_shown=2500)) == 2500


# ----------------------------------------------------------------------------
# Files of a run.


def test_a_conditional_grid_has_columns_of_one_class_each(toys):
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, conditional=True)
    generator = ganzoo.load(run)
    z = draw_latents("normal", Streams(0, torch.device("cpu")).generator("grid-z", 0), 64, 4)
    wanted = show(generator(z, torch.tensor([0, 1] * 32)), generator.data, columns=8)
    assert wanted["samples.png"] == run.get_grid_path(64).read_bytes()


def test_text_samples_are_kept_in_the_run_and_not_sent_to_trackers(toys):
    run = ganzoo.train(arch="toy", dataset="toy-lines", images=64, tracker="toy-tracker", options={"train.seed": 3})
    generator = ganzoo.load(run)
    z = draw_latents("normal", Streams(3, torch.device("cpu")).generator("grid-z", 0), 64, 4)
    assert (run.path / "fakes-000000064.txt").read_bytes() == generator.show(generator(z))["lines.txt"]
    assert (run.path / "fakes-000000000.txt").read_bytes() != generator.show(generator(z))["lines.txt"]
    reals = [[float(x) for x in line.split()] for line in (run.path / "reals.txt").read_text().splitlines()]
    assert np.linalg.norm(reals, axis=1) == pytest.approx(np.full(64, 0.5), abs=1e-4)
    assert not list(run.path.glob("*.png"))
    assert {event[0] for event in toys.EVENTS} == {"start", "log", "finish"}


class Layers:
    """Twenty images of five channels."""

    def __init__(self, options: NoOptions) -> None:
        self.info = DataInfo(shape=(5, 8, 8), num_items=20)
        self.data = np.random.default_rng(0).integers(0, 255, (20, 5, 8, 8), dtype=np.uint8)


def photo(samples: np.ndarray, info: DataInfo) -> dict[str, bytes]:
    first = grid.to_uint8(torch.from_numpy(samples[:1, :3]))[0]
    return {"first.jpg": grid.encode_picture(grid.to_picture(first), ".jpg"), "notes.txt": b"one of many"}


@pytest.fixture
def layers(toys):
    module = ModuleType("layers_plugin")
    spec = Dataset(name="layers", summary="Five channels.", factory=f"{__name__}:Layers", show=f"{__name__}:photo")
    module.ganzoo_datasets = hookimpl(lambda: [spec], specname="ganzoo_datasets")
    register(module)
    return toys


def test_a_picture_of_another_format_reaches_the_run_its_trackers_and_its_package(layers, tmp_path):
    run = ganzoo.train(arch="toy", dataset="layers", images=32, tracker="toy-tracker", device="cpu")
    assert pixels((run.package / "samples.png").read_bytes()).shape == (8, 8, 3)
    assert (run.package / "samples.txt").read_bytes() == b"one of many"
    assert "](samples.png)" in (run.package / "README.md").read_text()
    assert [event for event in layers.EVENTS if event[0] == "grid"] == [
        ("grid", images, f"fakes-{images:09d}.png") for images in (0, 32)
    ]
    assert sorted(path.suffix for path in run.path.glob("fakes-*")) == [".png", ".png", ".txt", ".txt"]


def test_images_that_are_not_pictures_are_written_as_their_dataset_shows_them(layers, capsys):
    run = ganzoo.train(arch="toy", dataset="layers", images=16, device="cpu")
    with pytest.raises(SystemExit) as done:
        main(["sample", str(run.path), "-n", "3", "--out", "five/", "--device", "cpu"])
    assert (done.value.code, capsys.readouterr().out) == (0, "five\n")
    assert sorted(path.name for path in Path("five").iterdir()) == ["first.jpg", "notes.txt"]
