"""What a person sees of samples: grids, what a dataset makes of them, and the files of a run."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.compute.streams import Streams, draw_latents
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Dataset
from ganzoo.samples import grid
from ganzoo.samples.show import as_suffix, can_show, count, show

POINTS = DataInfo(shape=(2,), modality="points")


def dataset(name: str, **fields: object) -> Dataset:
    return Dataset(name="mine", summary="Mine.", factory="a:b", show=f"{__name__}:{name}", **fields)


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def test_images_are_laid_out_as_tiles_of_bytes():
    samples = torch.linspace(-1, 1, 6 * 3 * 16).view(6, 3, 4, 4)
    files = show(samples, DataInfo(shape=(3, 4, 4)), columns=2)
    assert list(files) == ["samples.png"]
    assert np.array_equal(pixels(files["samples.png"]), np.asarray(grid.tile(grid.to_uint8(samples), 2)))


def test_a_label_image_stands_beside_its_sample():
    data = DataInfo(shape=(3, 4, 6), label_shape=(1, 2, 3))
    samples, labels = torch.zeros(5, 3, 4, 6), torch.linspace(-1, 1, 30).view(5, 1, 2, 3)
    picture = pixels(show(samples, data, labels=labels)["samples.png"])
    larger = labels.repeat_interleave(2, 2).repeat_interleave(2, 3).expand(-1, 3, -1, -1)
    wanted = grid.tile(grid.to_uint8(torch.stack([larger, samples], 1).flatten(0, 1)), grid.SIDE)
    assert np.array_equal(picture, np.asarray(wanted))


def files(samples: np.ndarray, info: DataInfo) -> dict[str, bytes]:
    assert samples.dtype == np.float32
    assert info == POINTS
    return {"b.csv": b"x,y\n", "a.png": grid.encode(Image.new("RGB", (5, 7), (len(samples), 0, 0))), "c.csv": b"z"}


def test_other_samples_are_shown_by_what_their_dataset_names():
    made = show(torch.zeros(9, 2, dtype=torch.float64), POINTS, dataset("files"))
    assert list(made) == ["b.csv", "a.png", "c.csv"]
    assert pixels(made["a.png"])[0, 0].tolist() == [9, 0, 0]
    assert as_suffix(made, ".csv") == as_suffix(made, ".txt") == b"x,y\n"
    assert Image.open(io.BytesIO(as_suffix(made, ".webp") or b"")).format == "WEBP"
    assert as_suffix(made, ".wav") is None
    assert show(torch.zeros(9, 2), POINTS) == {}
    assert (can_show(POINTS, None), can_show(POINTS, dataset("files"))) == (False, True)


def text(samples: np.ndarray, info: DataInfo) -> str:
    return "1,2"


def unnamed(samples: np.ndarray, info: DataInfo) -> dict[str, bytes]:
    return {"../a.png": b"1"}


def empty(samples: np.ndarray, info: DataInfo) -> dict[str, bytes]:
    return {}


@pytest.mark.parametrize(
    ("name", "words"), [("text", "returned str"), ("unnamed", r"returned bytes under '../a.png'"), ("empty", "nothing")]
)
def test_what_is_not_files_is_told_with_who_made_it(name, words):
    with pytest.raises(GanzooError, match=rf"test_show:{name} .*{words}.*: it must return bytes by"):
        show(torch.zeros(1, 2), POINTS, dataset(name))


def test_as_many_are_shown_as_the_dataset_asks_for():
    assert count(DataInfo(shape=(1, 4, 4))) == count(POINTS, dataset("files")) == 64
    assert count(POINTS, dataset("files", num_shown=2500)) == 2500


# ----------------------------------------------------------------------------
# Files of a run.


def test_a_conditional_grid_has_columns_of_one_class_each(toys):
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, conditional=True)
    generator = ganzoo.load(run)
    z = draw_latents("normal", Streams(0, torch.device("cpu")).generator("grid-z", 0), 64, 4)
    wanted = show(generator(z, torch.tensor([0, 1] * 32)), generator.data, columns=8)
    assert wanted["samples.png"] == run.grid(64).read_bytes()


def test_where_samples_are_text_a_run_keeps_that_and_trackers_are_spared(toys):
    run = ganzoo.train(arch="toy", dataset="toy-lines", images=64, tracker="toy-tracker", options={"train.seed": 3})
    generator = ganzoo.load(run)
    z = draw_latents("normal", Streams(3, torch.device("cpu")).generator("grid-z", 0), 64, 4)
    assert (run.path / "fakes-000000064.txt").read_bytes() == generator.show(generator(z))["lines.txt"]
    assert (run.path / "fakes-000000000.txt").read_bytes() != generator.show(generator(z))["lines.txt"]
    reals = [[float(x) for x in line.split()] for line in (run.path / "reals.txt").read_text().splitlines()]
    assert np.linalg.norm(reals, axis=1) == pytest.approx(np.full(64, 0.5), abs=1e-4)
    assert not list(run.path.glob("*.png"))
    assert {event[0] for event in toys.EVENTS} == {"start", "log", "finish"}
