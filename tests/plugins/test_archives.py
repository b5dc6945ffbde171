"""`folder`: archives, files of labels, crops and frames."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource, describe_skipped_items
from ganzoo.plugin import Corrupt, NotFound, UsageError, read_image
from ganzoo_datasets import archives
from ganzoo_datasets.folder import Folder
from ganzoo_datasets.known import open_afhq
from ganzoo_datasets.specs.folder import FolderOptions
from ganzoo_datasets.specs.known import SplitOptions


def png(red: int, size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (red, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


FILES = {"cat/1.png": png(10), "dog/2.png": png(20), "cat/3.png": png(30)}


def write_zip(path: Path, files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def folder(path: Path, **options: Any) -> Folder:
    return Folder(FolderOptions(path=str(path), size=options.pop("size", 8), **options))


def reds(of: Folder) -> list[int]:
    return [int(item.load()[0, 0, 0]) for item in of.items()]


# ----------------------------------------------------------------------------
# Archives.

WRITERS: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "a.zip": write_zip,
    "stored.ZIP": lambda path, files: write_zip(path, files, zipfile.ZIP_STORED),
    "a.tar": write_tar,
    "a": write_folder,
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_archive_is_as_its_folder(tmp_path: Path, name: str) -> None:
    hidden = {"__MACOSX/cat/._1.png": b"", ".git/x.png": b"", "cat/.y.png": b"", "notes.txt": b"text"}
    of = folder(WRITERS[name](tmp_path / name, FILES | ({} if name == "a" else {"__MACOSX/z.png": b""}) | {
        key: value for key, value in hidden.items() if not key.startswith("__")
    }))  # fmt: skip
    assert [(item.name, item.label) for item in of.items()] == [("cat/1.png", 0), ("cat/3.png", 0), ("dog/2.png", 1)]
    assert reds(of) == [10, 30, 20]
    assert len({item.stamp for item in of.items()}) == 3 or name == "a"


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_folder_around_everything_is_not_a_class(tmp_path: Path, name: str) -> None:
    around = {f"photos/{inside}": content for inside, content in FILES.items()}
    table = {"photos/labels.csv": b"file_name,label\ncat/1.png,a\n2.png,b\n3,a\n"}
    assert folder(WRITERS[name](tmp_path / name, around)).info.class_names == ("cat", "dog")
    assert folder(WRITERS[name](tmp_path / name, around | table)).info.class_names == ("a", "b")


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_folder_of_a_split_stays_but_is_not_a_class(tmp_path: Path, name: str, split: str) -> None:
    around = {f"{split}/{inside}": content for inside, content in FILES.items()}
    of = folder(WRITERS[name](tmp_path / name, around))
    assert of.info.class_names == ("cat", "dog")
    assert [item.name for item in of.items()] == [f"{split}/{inside}" for inside in sorted(FILES)]
    data = open_afhq(SplitOptions(path=str(tmp_path / name), split=split))
    assert data.info.class_names == ("cat", "dog")
    (tmp_path / "b").mkdir()
    table = {f"{split}/labels.csv": b"file_name,label\ncat/1.png,a\n2.png,b\n3,a\n"}
    assert folder(WRITERS[name](tmp_path / "b" / name, around | table)).info.class_names == ("a", "b")
    with pytest.raises(NotFound, match=r"dataset\.split=val: this part of 'afhq' is not there"):
        open_afhq(SplitOptions(path=str(tmp_path / name), split="val"))


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
@pytest.mark.parametrize("climbing", ["../x.png", "/etc/x.png", "a/../../x.png", "C:\\x.png", "..\\x.png"])
def test_members_that_climb_out_are_refused(tmp_path: Path, name: str, climbing: str) -> None:
    with pytest.raises(Corrupt, match=r"has a member that climbs out of it, .*: do not trust this archive"):
        folder(WRITERS[name](tmp_path / name, FILES | {climbing: png(1)}))


def test_links_in_archives_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        link = tarfile.TarInfo("cat/link.png")
        link.type, link.linkname = kind, "/etc/passwd"
        with tarfile.open(write_tar(tmp_path / "a.tar", FILES), "a") as archive:
            archive.addfile(link)
        with pytest.raises(UsageError, match=r"a.tar' has a link, 'cat/link.png', which is not followed: unpack it"):
            folder(tmp_path / "a.tar")
    info = zipfile.ZipInfo("link.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(write_zip(tmp_path / "a.zip", FILES), "a") as zipped:
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(UsageError, match=r"a.zip' has a link, 'link.png'"):
        folder(tmp_path / "a.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_last_member_of_a_name_counts(tmp_path: Path) -> None:
    with zipfile.ZipFile(write_zip(tmp_path / "a.zip", {"1.png": png(1), "2.png": png(2)}), "a") as zipped:
        zipped.writestr("1.png", png(3))
    first, second = folder(tmp_path / "a.zip").items()
    assert [first.load().max(), second.load().max()] == [read_image(png(each), size=(8, 8)).max() for each in (3, 2)]


def test_a_member_of_a_later_version_is_reported(tmp_path: Path) -> None:
    content = bytearray(write_zip(tmp_path / "a.zip", FILES).read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 99  # the version that is needed to read it
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(Corrupt, match=r"is not a whole archive .zip file version 9\.9"):
        folder(tmp_path / "a.zip")


def test_a_damaged_table_of_labels_is_reported(tmp_path: Path) -> None:
    table = b"file,label\n" + b"".join(b"%d.png,a\n" % number for number in range(99))
    path = write_zip(tmp_path / "a.zip", {"1.png": png(1), "labels.csv": table}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"50.png,a", b"50.png,b"))
    with pytest.raises(Corrupt, match=r"'labels\.csv' cannot be read .*: copy it again"):
        folder(path)


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGE", 1 << 16)
    bomb = write_zip(tmp_path / "a.zip", FILES | {"zeros.png": bytes(1 << 20)})
    with pytest.raises(Corrupt, match=r"a.zip' is a bomb"):
        folder(bomb)
    shared = bytearray(write_zip(tmp_path / "b.zip", FILES).read_bytes())
    at = shared.index(b"PK\1\2")  # the second entry of the directory gets the first one's place
    second = shared.index(b"PK\1\2", at + 4)
    shared[second + 42 : second + 46] = shared[at + 42 : at + 46]
    (tmp_path / "b.zip").write_bytes(shared)
    with pytest.raises(Corrupt, match=r"b.zip' is a bomb"):
        folder(tmp_path / "b.zip")


def test_a_member_larger_than_it_claims_is_skipped(tmp_path: Path) -> None:
    content = bytearray(write_zip(tmp_path / "a.zip", {"1.png": png(1), "2.png": bytes(1 << 20)}).read_bytes())
    at = content.index(b"PK\1\2", content.index(b"PK\1\2") + 4)
    content[at + 24 : at + 28] = struct.pack("<I", 100)  # the size in the directory
    (tmp_path / "a.zip").write_bytes(content)
    source = open_source(folder(tmp_path / "a.zip"), name="folder", key="k", notify=print, cache=tmp_path)
    assert describe_skipped_items(source) == (
        "skipped 1 of 2 files that could not be read: 2.png (damaged inside of the archive)"
    )


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_cut_archive_is_reported(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, {"1.png": png(1), "2.png": os.urandom(30_000)})
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(Corrupt, match=r"is not a whole archive .*: copy or download it again"):
        folder(path)
    path.write_bytes(b"<html>")
    with pytest.raises(Corrupt, match="is not a whole archive"):
        folder(path)


def test_encrypted_and_unusual_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="compressed in a way that is not read here: unzip it"):
        folder(write_zip(tmp_path / "a.zip", FILES, zipfile.ZIP_LZMA))
    content = bytearray(write_zip(tmp_path / "b.zip", FILES).read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(UsageError, match=r"'cat/1.png' is encrypted: unzip it"):
        folder(tmp_path / "b.zip")


# ----------------------------------------------------------------------------
# Labels.


@pytest.mark.parametrize(
    ("table", "options"),
    [
        ("file_name,label\ncat/1.png,b\n2.png,a\n3,b\n", {}),
        ("\ufeffid,breed\n1,b\n2,a\n3,b\n", {}),
        ("Label,Path,x\nb,cat/1.png,0\na,./dog/2.png,0\nb,cat/3.png,0\n", {}),
        ('name,x,y\n1,0,b\n2,0,"a"\n3,0,b\nunknown,1,c\n', {"label": "y"}),
    ],
)
def test_a_table_of_labels(tmp_path: Path, table: str, options: dict[str, Any]) -> None:
    of = folder(write_folder(tmp_path, FILES | {"labels.csv": table.encode()}), **options)
    assert of.info.class_names == ("a", "b")
    assert [item.label for item in of.items()] == [1, 1, 0]
    assert folder(tmp_path, labels="folders").info.class_names == ("cat", "dog")
    assert folder(tmp_path, labels="none").info.num_classes == 0


def test_classes_that_are_numbers_are_sorted_by_value(tmp_path: Path) -> None:
    table = b"file,label\n1,10\n2,9\n3,9\n"
    assert folder(write_folder(tmp_path, FILES | {"labels.csv": table})).info.class_names == ("9", "10")


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        (
            b"file,x,y\n1,a,b\n",
            {},
            UsageError,
            r"labels.csv has no column 'label' \(it has file, x, y\): its first row",
        ),
        (b"x,label\n1,a\n", {}, UsageError, r"no column 'file_name' \(it has x, label\)"),
        (b"", {}, UsageError, r"no column 'file_name' \(it has no rows\)"),
        (b"file,label\n1,a\n", {"label": "z"}, UsageError, "no column 'z'"),
        (b"file,label\n1,a\n2,\n", {}, UsageError, r"gives 2 of 3 images no label, first 'cat/3.png': add them"),
        (b"file,label\n\xff\xfe,a", {}, Corrupt, "is not a table of text"),
    ],
)
def test_a_wrong_table_of_labels(
    tmp_path: Path, table: bytes, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        folder(write_folder(tmp_path, FILES | {"labels.csv": table}), **options)


@pytest.mark.parametrize(("row", "extra"), [("1", ""), ("1.png", ""), ("1.png", "cat/1.png,b\n")])
def test_a_row_that_fits_two_files_is_an_error(tmp_path: Path, row: str, extra: str) -> None:
    files = FILES | {"dog/1.png": png(40), "owl/1.png": png(50)}
    files["labels.csv"] = f"file,label\n{row},a\n2,a\n3,b\n{extra}".encode()
    first, second = ("dog", "owl") if extra else ("cat", "dog")
    count = 2 if extra else 3
    with pytest.raises(
        UsageError,
        match=rf"labels.csv has one row '{row}' for {count} images, '{first}/1.png' and '{second}/1.png': give each",
    ):
        folder(write_folder(tmp_path, files))
    files["labels.csv"] += b"cat/1.png,b\ndog/1.png,a\nowl/1.png,b\n"
    assert folder(write_folder(tmp_path, files)).info.class_names == ("a", "b")


def test_a_column_without_a_table(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^dataset.label=x: there is no labels.csv at the top of"):
        folder(write_folder(tmp_path, FILES), label="x")


def test_stylegans_labels(tmp_path: Path) -> None:
    names = ["cat/1.png", "dog/2.png", "cat/3.png"]

    def write(labels: Any) -> Folder:
        content = json.dumps({"labels": labels if labels is None else list(zip(names, labels, strict=False))})
        return folder(write_folder(tmp_path, FILES | {"dataset.json": content.encode()}))

    numbers = write([2, 0, 1])
    assert numbers.info.num_classes == 3
    assert [item.label for item in numbers.items()] == [2, 1, 0]
    assert write(None).info.num_classes == 0
    vectors = write([[1, 0.5], [0, 1], [0, 2]])
    assert (vectors.info.label_shape, vectors.info.num_classes) == ((2,), 0)
    source = open_source(vectors, name="folder", key="k", notify=print, cache=tmp_path / ".cache")
    assert isinstance(source, ArraySource)
    assert source.labels is not None
    assert source.labels.tolist() == [[1, 0.5], [0, 2], [0, 1]]
    with pytest.raises(UsageError, match=r"dataset.json gives 1 of 3 images no label, first 'cat/3.png'"):
        write([0, 1])
    for wrong in ([[1], [0, 1], [2]], ["a", "b", "c"], [0, 1, [1]], 3):
        with pytest.raises(Corrupt, match=r"dataset.json (does not have the form|has labels of several kinds)"):
            write(wrong) if isinstance(wrong, list) else folder(
                write_folder(tmp_path, {"dataset.json": json.dumps(wrong).encode()})
            )


# ----------------------------------------------------------------------------
# Crops and frames.


def test_padding_keeps_the_whole_image_on_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (16, 4), (255, 0, 0)).save(path)
    padded = read_image(path, size=(8, 8), crop="pad")
    assert padded[1].tolist() == [[255] * 8] * 3 + [[0] * 8] * 2 + [[255] * 8] * 3
    assert read_image(path, 1, size=(8, 8), crop="pad")[0, 0].tolist() == [255] * 8
    assert not read_image(path, size=(8, 8))[1].any()  # the centre, for comparison


def test_random_windows_are_pixels_of_the_image(tmp_path: Path) -> None:
    pixels = np.arange(40 * 50, dtype=np.int64).reshape(40, 50)
    image = np.stack([pixels // 256, pixels % 256, 0 * pixels], -1).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    of = folder(tmp_path, crop="random", crops=12)
    assert of.info.num_items == 12
    assert [item.name for item in of.items()][:2] == ["a.png", "a.png (crop 1)"]
    corners = set()
    for item in of.items():
        window = item.load().astype(int)
        numbers = window[0] * 256 + window[1]
        assert np.array_equal(numbers - numbers[0, 0], pixels[:8, :8])
        corners.add(divmod(int(numbers[0, 0]), 50))
    assert len(corners) > 8
    assert max(row for row, _ in corners) > 16 > min(row for row, _ in corners)
    assert max(column for _, column in corners) > 21 > min(column for _, column in corners)
    again = [item.load() for item in folder(tmp_path, crop="random", crops=12).items()]
    assert all(np.array_equal(item.load(), other) for item, other in zip(of.items(), again, strict=True))


def test_a_window_larger_than_the_image_enlarges_it(tmp_path: Path) -> None:
    Image.new("RGB", (4, 30), (7, 0, 0)).save(tmp_path / "a.png")
    assert reds(folder(tmp_path, crop="random")) == [7]
    with pytest.raises(UsageError, match=r"^dataset.crops=2: .*: add dataset.crop=random$"):
        folder(tmp_path, crops=2)


def test_of_several_frames_the_first_is_used_and_said_once(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (8, 8), (red, 0, 0)) for red in (255, 0))
    for name in ("a.gif", "b.tif", "c.webp", "d.png"):
        how = {"lossless": True} if name == "c.webp" else {}
        first.save(tmp_path / name, save_all=True, append_images=[second], **how)
    first.save(tmp_path / "e.gif")
    lines: list[str] = []
    for _ in range(2):
        source = open_source(folder(tmp_path), name="folder", key="k", notify=lines.append, cache=tmp_path / ".cache")
        assert isinstance(source, ArraySource)
        assert source.data[:, 0].min() == 255
    assert lines == ["4 files have several frames or pages, of which the first is used: a.gif, b.tif and 2 more"]
