"""`ganzoo data check`: what it prints, and that the training which it suggests can be typed."""

import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from cli_calls import Ganzoo
from ganzoo import datasets
from ganzoo.datasets import check_data
from ganzoo.plugin import DataInfo
from ganzoo.recipe.dataset import choose_dataset
from ganzoo.registry import registry


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    for number in range(4):
        path = tmp_path / "my photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((100, 80), 40 + number).convert("RGB").save(path)
    return tmp_path / "my photos"


def test_a_folder_is_described_and_the_suggested_training_can_be_typed(ganzoo: Ganzoo, photos: Path) -> None:
    answer = ganzoo("data", "check", str(photos))
    assert answer.code == 0
    titles = [line[: line.index(" ")] for line in answer.out.splitlines() if not line.startswith(" ")]
    assert titles == ["samples", "files", "resizing", "classes", "copies", "values", "training"]
    assert answer.err == (
        "warning: all images are grey although they have three channels: dataset.channels=1 trains faster\n"
        "folder-samples.png shows some samples\n"
    )
    with Image.open("folder-samples.png") as picture:
        assert picture.width > 4 * 32
    (command,) = [line for line in answer.out.splitlines() if line.startswith("training")]
    words = shlex.split(command)[1:]
    assert words == ["ganzoo", "train", "--dataset", str(photos)]
    assert ganzoo(*words[1:], "--dry-run").code == 0


def test_json_has_no_picture_unless_it_is_asked_for(ganzoo: Ganzoo, photos: Path) -> None:
    answer = ganzoo("data", "check", str(photos), "--json", "--size", "16", "dataset.channels=1")
    found = json.loads(answer.out)
    assert (found["num"], found["classes"], found["warnings"]) == (4, {"a": 2, "b": 2}, [])
    assert found["info"]["shape"] == [1, 16, 16]
    assert shlex.split(found["suggestion"]["command"])[-3:] == ["--size", "16", "dataset.channels=1"]
    assert found["suggestion"]["recipe"]["train"]["conditional"] is False  # of two pictures in each class
    assert (answer.err, list(Path.cwd().glob("*.png"))) == ("", [])
    assert ganzoo("data", "check", "digits", "--json", "--out", "these.png").err == "these.png shows some samples\n"


def test_points_have_a_suggestion_too() -> None:
    found = check_data("points", progress=False)
    assert found.suggestion is not None
    assert found.suggestion.command == "ganzoo train --dataset points"
    assert list(found.files) == [".png"]
    assert found.describe()[0] == ("samples", "10,000 of 2, float32, drawn from a dataset without end")


@pytest.mark.parametrize(
    ("shorter", "device", "size", "options"),
    [
        (1000, "cpu", 64, {}),
        (1000, "cuda", 256, {}),
        (100, "cuda", 64, {}),
        (40, "cpu", 0, {}),  # 32, as by default
        (5, "cuda", 0, {}),
        (1000, "cuda", 0, {"dataset.size": 48}),  # chosen by the user
        (1000, "cuda", 0, {"dataset.width": 64}),
    ],
)
def test_the_suggested_size_is_one_that_the_files_have(
    shorter: float, device: str, size: int, options: dict[str, Any]
) -> None:
    folder = choose_dataset(registry(), {"dataset": "folder", **options})
    height, width = folder.options.size, folder.options.width or folder.options.size
    report: Any = SimpleNamespace(info=DataInfo(shape=(3, height, width)), originals=SimpleNamespace(shorter=shorter))
    assert datasets._choose_size(folder, report, device) == size
    report.originals = None
    assert datasets._choose_size(folder, report, device) == 0


@pytest.mark.parametrize(
    ("num", "size", "device", "recipe"),
    [
        (5000, 128, "cuda", "stylegan2-ada-auto"),
        (300, 128, "cuda", "first-look"),
        (300, 256, "cuda", "fastgan-fewshot"),
        (5000, 128, "cpu", "first-look"),
    ],
)
def test_the_suggested_recipe_suits_the_number_of_images_and_the_device(
    num: int, size: int, device: str, recipe: str
) -> None:
    folder = choose_dataset(registry(), {"dataset": "folder", "dataset.path": "photos", "dataset.size": size})
    info = DataInfo(shape=(3, size, size), num_items=num)
    report: Any = SimpleNamespace(info=info, originals=None, drawn=False, num=num)
    found = datasets.suggest_training(folder, report, device)
    assert found is not None
    assert shlex.split(found.command)[3] == recipe
    assert f"each sample about {found.recipe.train.images / num:,.0f} times" in found.words
