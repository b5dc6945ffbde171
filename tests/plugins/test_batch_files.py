"""Datasets that are distributed as a few large files: their formats, exactly, and damaged ones."""

from __future__ import annotations

import base64
import io
import os
import pickle
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.plugin import Corrupt, NotFound, UsageError
from ganzoo_datasets import svhn, tiles
from ganzoo_datasets.cifar import FIVE, Cifar10, Cifar100
from ganzoo_datasets.specs.batches import Cifar10Options, Cifar100Options, Stl10Options, SvhnOptions, TilesOptions
from ganzoo_datasets.stl10 import Stl10
from ganzoo_datasets.svhn import Svhn, read_mat
from ganzoo_datasets.tiles import Tiles
from ganzoo_datasets.unpickling import read_pickled

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 3072), np.uint8)
LABELS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]

# A pickle as Python 2 wrote the originals: protocol 2, texts that are bytes, numpy's old names.
OF_PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05"
    b"(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    b"\x89U\x02\xfa\x07tbU\x06labelsq\x08]q\tK\x07au."
)


# ----------------------------------------------------------------------------
# CIFAR.


def write_batches(folder: Path, binary: bool) -> None:
    """Write CIFAR-10: two images in each batch and in the test batch, in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate([*FIVE, "test_batch"]):
        rows = slice(2 * number, 2 * number + 2)
        if binary:
            records = np.hstack([np.array(LABELS[rows], np.uint8)[:, None], IMAGES[rows]])
            (folder / f"{name}.bin").write_bytes(records.tobytes())
        else:
            batch = {b"data": IMAGES[rows], b"labels": LABELS[rows], b"filenames": [b"a.png", b"b.png"]}
            (folder / name).write_bytes(pickle.dumps(batch, protocol=2))


def pack(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, folder.name)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_cifar10s_batches_are_read_exactly(tmp_path: Path, binary: bool, packed: bool) -> None:
    folder = tmp_path / f"cifar-10-batches-{'bin' if binary else 'py'}"
    write_batches(folder, binary)
    place = folder
    if packed:
        place = tmp_path / "x" / f"cifar-10-{'binary' if binary else 'python'}.tar.gz"
        place.parent.mkdir()
        pack(folder, place)
    for path in (place, place.parent):
        data = Cifar10(Cifar10Options(path=str(path), split="all"))
        assert np.array_equal(data.data, IMAGES.reshape(-1, 3, 32, 32))
        assert data.labels.tolist() == LABELS
        assert data.info.class_names[3] == "cat"
    test = Cifar10(Cifar10Options(path=str(place), split="test", size=16))
    assert test.data.shape == (2, 3, 16, 16)
    image = Image.fromarray(IMAGES[10].reshape(3, 32, 32).transpose(1, 2, 0)).resize((16, 16), Image.Resampling.LANCZOS)
    assert np.array_equal(test.data[0].transpose(1, 2, 0), np.asarray(image))


@pytest.mark.parametrize("kind", ["fine", "coarse"])
@pytest.mark.parametrize("binary", [False, True])
def test_cifar100_has_fine_and_coarse_labels(tmp_path: Path, kind: Any, binary: bool) -> None:
    fine, coarse = [99, 0, 50], [19, 0, 10]
    names = {"fine": [f"f{number}" for number in range(100)], "coarse": [f"c{number}" for number in range(20)]}
    if binary:
        columns = [np.array(each, np.uint8)[:, None] for each in (coarse, fine)]
        (tmp_path / "train.bin").write_bytes(np.hstack([*columns, IMAGES[:3]]).tobytes())
        for each, words in names.items():
            (tmp_path / f"{each}_label_names.txt").write_text("\n".join(words) + "\n")
    else:
        batch = {b"data": IMAGES[:3], b"fine_labels": fine, b"coarse_labels": coarse}
        (tmp_path / "train").write_bytes(pickle.dumps(batch, protocol=2))
        meta = {f"{each}_label_names".encode(): [word.encode() for word in words] for each, words in names.items()}
        (tmp_path / "meta").write_bytes(pickle.dumps(meta, protocol=2))
    data = Cifar100(Cifar100Options(path=str(tmp_path), labels=kind))
    assert np.array_equal(data.data, IMAGES[:3].reshape(-1, 3, 32, 32))
    assert data.labels.tolist() == (fine if kind == "fine" else coarse)
    assert list(data.info.class_names) == names[kind]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole[:-100],
        lambda whole: b"",
        lambda whole: b"<html>",
        lambda whole: pickle.dumps([1]),
        lambda whole: pickle.dumps({"data": IMAGES[:2]}),
        lambda whole: pickle.dumps({"data": IMAGES[:2], "labels": [1]}),
        lambda whole: pickle.dumps({"data": IMAGES[:2], "labels": [1, 10]}),
        lambda whole: pickle.dumps({"data": IMAGES[:2].astype(float), "labels": [1, 2]}),
        lambda whole: pickle.dumps({"data": IMAGES[:2, :9], "labels": [1, 2]}),
        lambda whole: pickle.dumps({"data": np.array([print, 1]), "labels": [1, 2]}),
    ],
)
def test_a_damaged_batch_is_reported(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    write_batches(tmp_path, binary=False)
    (tmp_path / "data_batch_2").write_bytes(spoil((tmp_path / "data_batch_2").read_bytes()))
    with pytest.raises(Corrupt, match=r"^'data_batch_2' is not a whole batch of CIFAR .*: download it again"):
        Cifar10(Cifar10Options(path=str(tmp_path)))


def test_a_damaged_binary_batch_or_archive_is_reported(tmp_path: Path) -> None:
    write_batches(tmp_path / "a", binary=True)
    (tmp_path / "a" / "data_batch_1.bin").write_bytes(bytes(3000))
    with pytest.raises(Corrupt, match=r"'data_batch_1.bin' is not a whole batch"):
        Cifar10(Cifar10Options(path=str(tmp_path / "a")))
    (tmp_path / "a" / "data_batch_1.bin").write_bytes(bytes([10]) * 3073)
    with pytest.raises(Corrupt, match="labels above 9"):
        Cifar10(Cifar10Options(path=str(tmp_path / "a")))
    pack(tmp_path / "a", tmp_path / "cifar-10-binary.tar.gz")
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes((tmp_path / "cifar-10-binary.tar.gz").read_bytes()[:20_000])
    with pytest.raises(Corrupt, match="is cut or damaged"):
        Cifar10(Cifar10Options(path=str(tmp_path)))
    with pytest.raises(NotFound, match=r"cifar-10-python.tar.gz from https://www.cs.toronto.edu.*dataset.repo=uoft-cs"):
        Cifar10(Cifar10Options(path=str(tmp_path / "none")))


class Evil:
    """An object whose pickle runs a command."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    "evil",
    [
        Evil(os.mkdir, "made"),
        Evil(eval, "__import__('os').mkdir('made')"),
        Evil(np.save, "made", 1),
        Evil(getattr, "text", "upper"),
        Evil(bytearray, 1 << 40),
        Evil(np.ndarray, (1 << 40,)),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_no_object_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evil: Evil, protocol: int) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"UnpicklingError: it asks for .*, which such a file does not need|TypeError"):
        read_pickled(pickle.dumps({"data": evil}, protocol=protocol))
    assert os.listdir() == []


def test_what_python_2_pickled_is_read() -> None:
    values = read_pickled(OF_PYTHON_2)
    assert values["data"].tolist() == [[250, 7]]
    assert values["labels"] == [7]


# ----------------------------------------------------------------------------
# SVHN.

# What scipy 1.17.1 saves of {"X": np.arange(12, dtype=np.uint8).reshape(1, 2, 3, 2), "y": np.array([[10.0], [1.0]])},
# after the header, without compression and with it
OF_SCIPY = (
    "DgAAAEgAAAAGAAAACAAAAAkAAAAAAAAABQAAABAAAAABAAAAAgAAAAMAAAACAAAAAQABAFgAAAACAAAADAAAAAAGAggECgEHAwkFCwAAAAAOAAAAQAAAAAYA"
    "AAAIAAAABgAAAAAAAAAFAAAACAAAAAIAAAABAAAAAQABAHkAAAAJAAAAEAAAAAAAAAAAACRAAAAAAAAA8D8=",
    "DwAAADgAAAB4nONjYGDwAGI2IOYAYk4GCGAFYgEgZgRiJiBmhtKMQBgBZfOAFLIxcbBwMbIzc7Jyg7gAMy8BNQ8AAAAtAAAAeJzjY2BgcABiNiDmgNIg"
    "wArlMwExIxgzMlQCaU4gFmCAARUHCP3BHgAyBQKa",
)


@pytest.mark.parametrize("elements", OF_SCIPY)
def test_mat_files_of_another_program_are_read_exactly(elements: str) -> None:
    arrays = read_mat(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + base64.b64decode(elements))
    assert np.array_equal(arrays["X"], np.arange(12).reshape(1, 2, 3, 2))
    assert arrays["y"].tolist() == [[10], [1]]


def write_mat(path: Path, compressed: bool, **arrays: np.ndarray[Any, Any]) -> None:
    content = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    for name, array in arrays.items():
        element = svhn._pack_array(name, array, 2)
        if compressed:
            packed = zlib.compress(element)
            element = struct.pack("<2I", 15, len(packed)) + packed
        content += element
    path.write_bytes(content)


@pytest.mark.parametrize("compressed", [False, True])
def test_svhn_is_read_exactly(tmp_path: Path, compressed: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 3), np.uint8)
    write_mat(tmp_path / "test_32x32.mat", compressed, X=images, y=np.array([[10], [1], [9]], np.uint8))
    data = Svhn(SvhnOptions(path=str(tmp_path), split="test"))
    assert data.labels.tolist() == [0, 1, 9]
    assert np.array_equal(data.data, images.transpose(3, 2, 0, 1))
    assert Svhn(SvhnOptions(path=str(tmp_path / "test_32x32.mat"), split="test")).info.num_items == 3
    with pytest.raises(NotFound, match=r"download train_32x32.mat from http://ufldl.*dataset.config=cropped_digits"):
        Svhn(SvhnOptions(path=str(tmp_path)))


def test_damaged_mat_files_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "train_32x32.mat"
    images, labels = np.zeros((32, 32, 3, 2), np.uint8), np.ones((2, 1), np.uint8)
    for wrong in (
        {"X": images},
        {"X": images, "y": labels[:1]},
        {"X": images, "y": 11 * labels},
        {"X": images[:9], "y": labels},
    ):
        write_mat(path, True, **wrong)
        with pytest.raises(Corrupt, match=r"^'train_32x32.mat' is not a whole file of SVHN .*: download it again"):
            Svhn(SvhnOptions(path=str(tmp_path)))
    for compressed in (False, True):
        write_mat(path, compressed, X=images, y=labels)
        whole = path.read_bytes()
        for part in (whole[:-9], whole[:200], whole[:100], b"", b"<html>" * 50):
            path.write_bytes(part)
            with pytest.raises(Corrupt, match="is not a whole file of SVHN"):
                Svhn(SvhnOptions(path=str(tmp_path)))


# ----------------------------------------------------------------------------
# STL-10.


def test_stl10_is_read_exactly(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 96, 96), np.uint8)  # [n, channel, row, column]
    for split in ("train", "unlabeled"):
        (tmp_path / f"{split}_X.bin").write_bytes(images.transpose(0, 1, 3, 2).tobytes())
    (tmp_path / "train_y.bin").write_bytes(bytes([1, 10]))
    data = Stl10(Stl10Options(path=str(tmp_path), split="train", size=96))
    assert [item.label for item in data.items()] == [0, 9]
    assert all(np.array_equal(item.load(), image) for item, image in zip(data.items(), images, strict=True))
    assert Stl10(Stl10Options(path=str(tmp_path))).info.num_classes == 0
    (tmp_path / "train_y.bin").write_bytes(bytes([1, 11]))
    with pytest.raises(Corrupt, match="does not have 2 labels from 1 to 10"):
        Stl10(Stl10Options(path=str(tmp_path), split="train"))
    (tmp_path / "unlabeled_X.bin").write_bytes(bytes(1000))
    with pytest.raises(Corrupt, match="does not have whole images"):
        Stl10(Stl10Options(path=str(tmp_path)))
    with pytest.raises(NotFound, match=r"download stl10_binary.tar.gz from https://cs.stanford.edu"):
        Stl10(Stl10Options(path=str(tmp_path), split="test"))


# ----------------------------------------------------------------------------
# Tiles.


def write_tiles(folder: Path) -> None:
    for name, colour, size in (
        ("mon/a.png", 10, 32), ("item/b.png", 20, 32), ("UNUSED/c.png", 10, 32), ("mon/large.png", 30, 48),
        ("mon/._a.png", 40, 32),
    ):  # fmt: skip
        path = folder / "rltiles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGBA", (size, size), (colour, 0, 0, 255)).save(path)


def test_tiles_are_the_different_ones_of_their_size(tmp_path: Path) -> None:
    write_tiles(tmp_path / "crawl" / "source")
    with tarfile.open(tmp_path / "crawl_1.orig.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "crawl", "crawl")
    for path in ("crawl", "crawl/source", "crawl/source/rltiles", "crawl_1.orig.tar.xz", ""):
        data = Tiles(TilesOptions(path=str(tmp_path / path)))
        assert data.info.class_names == ("item", "mon")
        assert (data.data[:, 0, 0, 0].tolist(), data.labels.tolist()) == ([20, 10], [0, 1])
    assert Tiles(TilesOptions(path=str(tmp_path / "crawl"), folders=("mon",))).info.num_items == 1
    with pytest.raises(UsageError, match=r"^dataset.folders: there is no 'x': name some of UNUSED, item, mon$"):
        Tiles(TilesOptions(path=str(tmp_path / "crawl"), folders=("x",)))


def test_damaged_tiles_are_reported(tmp_path: Path) -> None:
    write_tiles(tmp_path)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        archive.add(tmp_path / "rltiles", "rltiles")
    (tmp_path / "a.tar.xz").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(Corrupt, match=r"a.tar.xz' is cut or damaged"):
        Tiles(TilesOptions(path=str(tmp_path / "a.tar.xz")))
    (tmp_path / "rltiles" / "mon" / "a.png").write_bytes(b"no image")
    with pytest.raises(Corrupt, match=r"mon/a.png' is not an image"):
        Tiles(TilesOptions(path=str(tmp_path)))
    with pytest.raises(NotFound, match="apt-get source --download-only crawl"):
        Tiles(TilesOptions(path=str(tmp_path / "none")))
    assert len(Tiles(TilesOptions(**tiles.examples(tmp_path / "new"))).data) == 8
