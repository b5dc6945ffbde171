"""The included models are small, complete, of good quality, and as their command trains them."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import ganzoo
from ganzoo.package.config import FILES, read_config
from ganzoo.plugin import Dataset
from ganzoo.registry import registry
from ganzoo_models import MODELS, SAME

NAMES = tuple(MODELS)
FOLDER = Path(__file__).parents[2] / "plugins" / "ganzoo_models"
MB = 1_000_000  # bytes
WITH_FLOORS = ("image", "points", "tabular")  # kinds of data whose usual metrics have a floor
SHOWN = {"samples.png", "samples.txt", "samples.wav"}  # one or more of these shows samples


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_they_are_offered() -> None:
    found = [entry.qualified for entry in registry().components("model") if entry.plugin.distribution == "ganzoo"]
    assert found == [f"ganzoo:{name}" for name in NAMES]
    folders = [path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(folders) == sorted(NAMES)


def measure_size(folder: Path) -> int:
    """Return the bytes of a folder's files."""
    return sum(path.stat().st_size for path in folder.iterdir())


def test_all_together_are_under_25_mb() -> None:
    assert sum(measure_size(FOLDER / name) for name in NAMES) < 25 * MB


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_complete_package_under_4_mb(name: str) -> None:
    assert measure_size(FOLDER / name) < 4 * MB
    files = {path.name for path in (FOLDER / name).iterdir()}
    assert files - SHOWN == set(FILES) - SHOWN - {"discriminator.safetensors"}
    assert files & SHOWN
    held = ganzoo.verify(f"ganzoo:{name}", "cpu")
    assert held.samples == 8


def list_with(file: str) -> list[str]:
    """Return the names of the models that show samples in this file."""
    return [name for name in NAMES if (FOLDER / name / file).exists()]


@pytest.mark.parametrize("name", list_with("samples.txt"))
def test_rows_of_a_table_are_shown(name: str) -> None:
    head, *rows = (FOLDER / name / "samples.txt").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(set(rows)) >= 100
    assert {row.count(",") for row in rows} == {head.count(",")}


@pytest.mark.parametrize("name", list_with("samples.wav"))
def test_a_sound_can_be_heard(name: str) -> None:
    with wave.open(str(FOLDER / name / "samples.wav")) as file:
        assert file.getnframes() > file.getframerate()  # a second
        values = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert np.abs(values).max() > 3000


@pytest.mark.parametrize("name", list_with("samples.png"))
def test_each_picture_has_several_samples(name: str) -> None:
    with Image.open(FOLDER / name / "samples.png") as picture:
        width, height = picture.size
        low, high = picture.convert("L").getextrema()
    assert min(width, height) >= 64
    assert high - low > 100  # of 255: something is drawn


@pytest.mark.parametrize("name", NAMES)
def test_each_was_measured_beside_real_samples(name: str) -> None:
    config = read_config(FOLDER / name)
    assert config.metrics
    assert all(entry["fingerprint"] for entry in config.metrics)
    if config.data.modality in WITH_FLOORS:
        ratios = [entry["ratio"] for entry in config.metrics if entry.get("floor") and entry.get("ratio")]
        assert ratios
        assert all(ratio > 0.3 for ratio in ratios), "real samples cannot be so much worse than generated ones"


@pytest.mark.parametrize("name", NAMES)
def test_each_card_names_licence_data_and_measured_values(name: str) -> None:
    card = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    config = read_config(FOLDER / name)
    assert f"\nlicense: {MODELS[name].license}\n" in card
    assert f"Training data: {MODELS[name].data}." in card
    dataset = registry().resolve("dataset", config.recipe["dataset"]["name"]).spec
    assert isinstance(dataset, Dataset)
    assert (f"Licence: {dataset.license}." if dataset.license else dataset.summary) in card
    assert all(f"| `{entry['name']}` |" in card for entry in config.metrics)
    assert "was not measured" not in card


@pytest.mark.parametrize("name", NAMES)
def test_its_command_trains_just_that(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("avatars").mkdir()  # the data of two models
    Image.new("RGB", (16, 16)).save("avatars/0.png")
    Path("diamonds.csv").write_text(",carat,cut\n" + "1,0.3,Ideal\n2,0.5,Good\n" * 9, encoding="utf-8")
    said = settings(*MODELS[name].train, *SAME, capsys=capsys)
    assert said == settings("--config", str(FOLDER / name), capsys=capsys)
    assert read_config(FOLDER / name).images >= int(said["train.images"])


def settings(*words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return what ``ganzoo train`` would train, by key."""
    from ganzoo.cli import main

    with pytest.raises(SystemExit) as done:
        main(["train", *words, "--dry-run"])
    out, err = capsys.readouterr()
    assert (done.value.code, err) == (0, "")
    rows = (line.split() for line in out.splitlines())
    return {row[0]: Path(row[2]).name for row in rows}  # packages name the last folder of a path alone


def small(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return ``[N, H, W, 1]`` as rows of 8x8 pixels, the resolution of the data."""
    return images.reshape(-1, 8, images.shape[1] // 8, 8, images.shape[2] // 8).mean((2, 4)).reshape(-1, 64)


def apart(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return the distances ``[N, M]`` of the rows of two arrays."""
    return torch.cdist(torch.as_tensor(a).double(), torch.as_tensor(b).double()).numpy()


def test_digits_are_readable_right_and_diverse() -> None:
    """Judged by the nearest real digit: it has the class that was asked for, is near, and is not always the same."""
    real = ganzoo.create("dataset", "digits", size=32)
    images = np.asarray(real.data).transpose(0, 2, 3, 1)
    known, classes = small(images), np.asarray(real.labels)
    generator = ganzoo.load("ganzoo:digits", "cpu")
    made, wanted = small(generator.sample(500, seed=5)), np.arange(500) % 10
    distances = apart(made, known)
    nearest = distances.argmin(1)
    right = classes[nearest] == wanted
    assert right.mean() > 0.96
    assert min(right[wanted == each].mean() for each in range(10)) > 0.85
    between = apart(known, known) + np.diag(np.full(len(known), np.inf))
    assert np.median(distances.min(1)) < 1.1 * np.median(between.min(1))  # as near as real ones are to each other
    assert len(set(nearest)) > 250  # 500 draws of 1,797 without a preference would reach 436
    for each in range(10):
        assert made[wanted == each].std(0).mean() > 0.8 * known[classes == each].std(0).mean()


def test_the_ring_has_all_its_modes() -> None:
    generator = ganzoo.load("ganzoo:ring", "cpu")
    points = generator.sample(4000, seed=5)
    modes, sigma = np.array(generator.data.meta["modes"]), generator.data.meta["sigma"]
    distances = apart(points, modes)
    good = distances.min(1) < 3 * sigma
    share = np.bincount(distances.argmin(1)[good], minlength=8) / good.sum()
    assert good.mean() > 0.98  # 0.989 of points drawn from the ring itself
    assert 0.08 < share.min() <= share.max() < 0.17  # an eighth each


def test_the_rings_modes_are_spread_and_z_spreads_them() -> None:
    """The modes of a generator that ignores z are dots, one for each code; all dots are of high quality."""
    generator = ganzoo.load("ganzoo:ring", "cpu")
    modes, sigma = torch.tensor(generator.data.meta["modes"]), generator.data.meta["sigma"]
    points = torch.as_tensor(generator.sample(8000, seed=5))
    offsets = points[:, None] - modes
    distances, nearest = offsets.norm(dim=2).min(1)
    spreads = [
        offsets[(nearest == mode) & (distances < 3 * sigma), mode].square().mean().sqrt().item() / sigma
        for mode in range(8)
    ]
    assert 0.55 < min(spreads) <= max(spreads) < 1.3
    normal = generator.draw_latents(200, seed=5)[:, :-64]
    codes = torch.eye(64) * generator.draw_latents(1, seed=5)[:, -64:].max()
    z = torch.cat([normal.repeat(64, 1), codes.repeat_interleave(200, 0)], 1)
    at_a_code = generator(z).view(64, 200, 2).std(1).norm(dim=1) / 2**0.5 / sigma  # [64]
    assert at_a_code.min() > 0.2
    assert at_a_code.median() > 0.35


def test_samples_belong_to_the_chosen_class() -> None:
    generator = ganzoo.load("ganzoo:digits", "cpu")
    one, mixed = generator.sample(10, labels=3, seed=2), generator.sample(10, seed=2)
    assert np.array_equal(one[3], mixed[3])
    assert not np.array_equal(one[4], mixed[4])


def test_a_name_that_a_model_lists_means_that_model_though_another_is_spelt_like_it() -> None:
    with pytest.raises(ganzoo.GanzooError, match="the nearest is ganzoo:emoji"):
        ganzoo.load("ganzoo:smileys")
    with pytest.raises(ganzoo.GanzooError, match="did you mean ganzoo:digits"):
        ganzoo.load("ganzoo:digit")
