"""`ganzoo train --dataset PATH` alone: the recipe `auto`, for good and for strange folders."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli_calls import Ganzoo


@pytest.fixture
def photos(tmp_path):
    generator = np.random.default_rng(0)
    for number in range(60):
        pixels = generator.integers(0, 255, (40, 50, 3), dtype=np.uint8)
        path = tmp_path / "photos" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


def test_a_folder_alone_is_trained_with_auto(ganzoo: Ganzoo, photos) -> None:
    answer = ganzoo("train", "--dataset", str(photos), "--images", "64", "train.batch=16", "--device", "cpu")
    assert answer.code == 0, answer.err
    lines = [line for line in answer.err.replace("ganzoo: ", "").splitlines() if line.startswith(("auto: ", "typed"))]
    assert 4 <= len(lines) <= 10
    assert lines[-1].startswith("typed otherwise: train.images=64")
    run = answer.out.strip()
    stored = json.loads(Path(run, "recipe.json").read_text())
    assert stored["preset"].endswith(":auto")
    assert stored["arch"]["name"].endswith(":dcgan")
    assert stored["dataset"]["options"]["size"] == 32
    assert (stored["train"]["images"], stored["train"]["batch"], stored["train"]["time"]) == (64, 16, None)
    assert all(line in Path(run, "log.txt").read_text() for line in lines)


def test_a_dry_run_shows_what_auto_chose_and_why(ganzoo: Ganzoo) -> None:
    answer = ganzoo(
        "train", "--dataset", "digits", "--arch", "sngan", "--recipe", "auto", "--dry-run", "--device", "cpu"
    )
    rows = {line.split()[0]: " ".join(line.split()[2:]) for line in answer.out.splitlines()}
    assert rows["arch"] == "sngan flag"
    assert rows["train.time"] == "10min recipe 'auto' on cpu"
    assert rows["train.images"].startswith("as many as fit into train.time")
    assert "auto: no mirror images: a test tells 9" in answer.err
    assert "typed otherwise: arch=sngan" in answer.err


def test_auto_is_taken_only_for_data_without_architecture_or_recipe(ganzoo: Ganzoo) -> None:
    for words in (["--arch", "dcgan"], ["--recipe", "first-look"]):
        answer = ganzoo("train", "--dataset", "digits", *words, "--dry-run", "--device", "cpu")
        assert "auto" not in answer.err
    assert ganzoo("train", "--dry-run").code == 2


def test_data_check_recommends_the_same(ganzoo: Ganzoo, photos) -> None:
    checked = json.loads(ganzoo("data", "check", str(photos), "--json", "--device", "cpu").out)
    found = checked["suggestion"]
    assert found["command"] == f"ganzoo train --dataset {photos}"
    dry = ganzoo("train", "--dataset", str(photos), "--dry-run", "--device", "cpu")
    assert [line for line in dry.err.replace("ganzoo: ", "").splitlines() if line.startswith("auto")] == found[
        "reason"
    ].splitlines()
    assert found["recipe"]["dataset"]["options"]["size"] == 32


def test_impossible_folders_get_one_sentence(ganzoo: Ganzoo, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    answer = ganzoo("train", "--dataset", str(tmp_path / "empty"))
    assert answer.code != 0
    assert answer.err.count("\n") == 1
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/x.png").write_bytes(b"nothing")
    answer = ganzoo("train", "--dataset", str(tmp_path / "broken"), "--device", "cpu")
    assert answer.code != 0
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("size", [(1, 1), (3000, 40)])
def test_strange_pictures_are_trained(ganzoo: Ganzoo, tmp_path, size) -> None:
    (tmp_path / "few").mkdir()
    for number in range(3):
        Image.new("L", size, 50 * number).save(tmp_path / "few" / f"{number}.png")
    answer = ganzoo("train", "--dataset", str(tmp_path / "few"), "--images", "16", "train.batch=8", "--device", "cpu")
    assert answer.code == 0, answer.err
    assert "expect copies: 3 images are few" in answer.err
