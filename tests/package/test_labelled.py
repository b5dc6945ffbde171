"""Labelled sets of generated images: what other programs read in them, and where they come from."""

import hashlib
import io
import json
import tarfile
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo import load
from ganzoo.errors import GanzooError, MissingPlugin, NotFound, UsageError
from ganzoo.models import resolve_package
from ganzoo.package import labelled
from ganzoo.package.generator import Generator
from ganzoo.package.labelled import write_labelled
from ganzoo.plugin import DataInfo


@pytest.fixture(scope="module")
def digits() -> tuple[Generator, Path]:
    package = resolve_package("ganzoo:digits")
    return load(package, "cpu"), package


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(digits: tuple[Generator, Path], kind: Any, out: str | None = None, per_class: int = 9, **more: Any) -> Path:
    given = {"labels": ["3", "7"], "seed": 5, "truncation": None, **more}
    return write_labelled(
        *digits, "ganzoo:digits", out, "digits-seed5", kind, per_class, notify=lambda line: None, **given
    )


def expected(digits: tuple[Generator, Path], per_class: int = 9) -> tuple[np.ndarray[Any, Any], list[int]]:
    return digits[0].sample(2 * per_class, [3, 7], seed=5), [3, 7] * per_class


def decode(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(content)))[..., None]


def test_a_folder_has_a_sub_folder_of_each_class(digits: tuple[Generator, Path]) -> None:
    target = write(digits, "folder")
    images, labels = expected(digits)
    assert sorted(path.name for path in target.iterdir()) == ["3", "7"]
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        assert np.array_equal(decode((target / str(label) / f"{index:02d}.png").read_bytes()), image)
    assert len(list(target.rglob("*.png"))) == 18


def test_arrays_are_those_of_sample(digits: tuple[Generator, Path]) -> None:
    images, labels = expected(digits)
    with np.load(write(digits, "npz", "set.npz")) as found:
        assert np.array_equal(found["samples"], images)
        assert found["labels"].tolist() == labels
        assert found["classes"].tolist() == list(map(str, range(10)))


def test_shards_have_an_image_and_its_class_under_each_key(
    digits: tuple[Generator, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "SHARD", 8)
    target = write(digits, "webdataset", "set/")
    shards = sorted(target.iterdir())
    assert [path.name for path in shards] == ["set-000000.tar", "set-000001.tar", "set-000002.tar"]
    images, labels, members = *expected(digits), dict[str, bytes]()
    for shard in shards:
        with tarfile.open(shard) as archive:
            names = archive.getnames()
            assert [name.partition(".")[0] for name in names[::2]] == [name.partition(".")[0] for name in names[1::2]]
            members |= {name: archive.extractfile(name).read() for name in names}  # type: ignore[union-attr]
    assert len(members) == 36
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        assert np.array_equal(decode(members[f"{index:09d}.png"]), image)
        assert members[f"{index:09d}.cls"] == str(label).encode()


def test_parquet_is_read_with_the_types_of_the_library_datasets(digits: tuple[Generator, Path]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(write(digits, "parquet", "set.parquet", per_class=40))
    images, labels = expected(digits, 40)
    assert table["label"].to_pylist() == labels
    assert np.array_equal(np.stack([decode(row["bytes"]) for row in table["image"].to_pylist()]), images)
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["label"] == {"_type": "ClassLabel", "names": list(map(str, range(10)))}
    assert features["image"] == {"_type": "Image"}
    assert sorted(path.name for path in Path().iterdir()) == ["set.json", "set.parquet"]


def test_a_json_says_where_the_images_come_from(digits: tuple[Generator, Path]) -> None:
    write(digits, "npz")
    found = json.loads(Path("digits-seed5.json").read_text())
    weights = (digits[1] / "model.safetensors").read_bytes()
    assert found["model"]["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    assert found["model"]["config_sha256"] == hashlib.sha256((digits[1] / "config.json").read_bytes()).hexdigest()
    assert found["model"]["name"] == "ganzoo:digits"
    assert (found["num"], found["per_class"], found["classes"]) == (18, 9, {"3": 3, "7": 7})
    assert (found["seed"], found["truncation"], found["format"]) == (5, None, "npz")
    assert {"ganzoo", "torch", "python"} <= found["versions"].keys()


def test_all_classes_have_as_many_images(digits: tuple[Generator, Path]) -> None:
    with np.load(write(digits, "npz", per_class=2, labels=None)) as found:
        assert np.bincount(found["labels"]).tolist() == [2] * 10


@pytest.mark.parametrize(
    ("kind", "out", "words"),
    [
        ("npz", "set.png", "--format npz writes one file: end it in .npz"),
        ("parquet", "set/", "--format parquet writes one file: end it in .parquet"),
        ("folder", "file", "--out file is a file: --format folder writes a folder"),
        ("webdataset", "full", "--out full has files already"),
    ],
)
def test_a_path_that_does_not_suit_is_refused(digits: tuple[Generator, Path], kind: str, out: str, words: str) -> None:
    Path("file").touch()
    Path("full").mkdir()
    Path("full/other").touch()
    before = sorted(Path().rglob("*"))
    with pytest.raises(UsageError, match=words):
        write(digits, kind, out)
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("kind", ["folder", "parquet", "webdataset"])
def test_images_that_are_not_pictures_are_written_as_arrays_alone(kind: Any) -> None:
    generator: Any = SimpleNamespace(data=DataInfo(shape=(2, 8, 8), num_classes=3))
    words = f"--format {kind} writes pictures, and this model makes images of 2 channels: add --format npz"
    with pytest.raises(UsageError, match=words):
        write((generator, Path()), kind)
    generator.data = DataInfo(shape=(2,), modality="points", num_classes=3)
    with pytest.raises(UsageError, match=r"writes images, and this model makes points: use -n N --out X\.npz"):
        write((generator, Path()), kind)


def test_a_json_of_the_user_is_not_overwritten_and_an_old_one_does_not_stand_beside_a_new_set(
    digits: tuple[Generator, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.json").write_text("{}")
    with pytest.raises(UsageError, match=r"would overwrite your file mine.json: give another name"):
        write(digits, "npz", "mine.npz")
    assert (Path("mine.json").read_text(), Path("mine.npz").exists()) == ("{}", False)
    write(digits, "npz", "set.npz")
    monkeypatch.setattr(labelled, "_write_npz", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(digits, "npz", "set.npz")
    assert not Path("set.json").exists()


def test_the_working_directory_may_be_the_set(
    digits: tuple[Generator, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write(digits, "folder", ".")
    assert (tmp_path / "here.json").exists()
    with pytest.raises(NotFound, match="the folder nowhere does not exist: create it first"):
        write(digits, "npz", "nowhere/set.npz")


def test_what_fails_leaves_no_set_that_looks_complete(
    digits: tuple[Generator, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(labelled, "_encode", fail)
    forms = [("folder", "one"), ("webdataset", "two"), ("parquet", "three.parquet")]
    for kind, out in forms if find_spec("pyarrow") else forms[:2]:
        with pytest.raises(GanzooError, match="cannot write"):
            write(digits, kind, out)
    assert [path for path in Path().rglob("*") if path.is_file()] == []


def test_a_missing_package_is_named(digits: tuple[Generator, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPlugin, match=r"pip install 'ganzoo\[parquet\]'"):
        write(digits, "parquet")
