"""The included models are small, complete, of good quality, and as their command trains them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import ganzoo
from ganzoo.package.config import FILES, read_config
from ganzoo.registry import registry

NAMES = ("digits", "ring")
FOLDER = Path(__file__).parents[2] / "plugins" / "ganzoo_models"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_they_are_offered() -> None:
    found = [entry.qualified for entry in registry().components("model") if entry.plugin.distribution == "ganzoo"]
    assert found == [f"ganzoo:{name}" for name in NAMES]
    folders = [path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(folders) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_complete_package_under_2_mb(name: str) -> None:
    files = {path.name: path.stat().st_size for path in (FOLDER / name).iterdir()}
    assert sum(files.values()) < 2_000_000
    assert files.keys() == set(FILES) - {"discriminator.safetensors", "samples.txt", "samples.wav"}
    held = ganzoo.verify(f"ganzoo:{name}", "cpu")
    assert held.samples == 8


@pytest.mark.parametrize(("name", "words"), [("digits", "Licence: cc-by-4.0."), ("ring", "Points in the plane")])
def test_each_card_names_licence_data_and_measured_values(name: str, words: str) -> None:
    card = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert "\nlicense: mit\n" in card
    assert words in card
    assert "| `pixel-moments/fd` |" in card
    assert "was not measured" not in card


@pytest.mark.parametrize("name", NAMES)
def test_the_command_beside_them_trains_just_that(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("train_models", FOLDER / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = settings(*module.SETTINGS[name], *module.COMMON, capsys=capsys)
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
    return {row[0]: row[2] for row in rows}


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
