"""Known datasets of image files, in the layout in which each is distributed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganzoo.plugin import Corrupt, NotFound, UsageError
from ganzoo_datasets import known
from ganzoo_datasets.specs.known import CelebaOptions, KnownOptions, SplitOptions


def encode(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (10, 12), (number, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def write(folder: Path, names: Iterable[str]) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encode(number))


def describe(of: Any) -> list[tuple[int, str]]:
    """Return the numbers of the images, with the names of their classes."""
    names = of.info.class_names
    return [(int(item.load()[0, 0, 0]), "" if item.label is None else names[item.label]) for item in of.items()]


@pytest.mark.parametrize("zipped", [False, True])
def test_celebas_parts_and_attributes(tmp_path: Path, zipped: bool) -> None:
    names = [f"{number:06}.jpg" for number in range(4)]
    if zipped:
        with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "w") as archive:
            for number, name in enumerate(names):
                archive.writestr(f"img_align_celeba/{name}", encode(number))
    else:
        write(tmp_path / "img_align_celeba", names)
    path = str(tmp_path)
    assert describe(known.open_celeba(CelebaOptions(path=path, size=8))) == [(number, "") for number in range(4)]
    with pytest.raises(NotFound, match=r"list_eval_partition.txt is not in .*: download it with the images, or"):
        known.open_celeba(CelebaOptions(path=path, split="train"))
    with pytest.raises(NotFound, match=r"list_attr_celeba.txt is not in .*, or remove dataset.attribute"):
        known.open_celeba(CelebaOptions(path=path, attribute="Smiling"))
    (tmp_path / "list_eval_partition.txt").write_text("".join(f"{name} {n % 3}\n" for n, name in enumerate(names)))
    rows = [f"{name} {-1 if n < 2 else 1:2} {1:2}" for n, name in enumerate(names)]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["4", "Young Smiling", *rows]) + "\n")
    train = known.open_celeba(CelebaOptions(path=path, size=8, split="train", attribute="Young"))
    assert describe(train) == [(0, "not Young"), (3, "Young")]
    assert describe(known.open_celeba(CelebaOptions(path=path, size=8, split="test"))) == [(2, "")]
    with pytest.raises(UsageError, match=r"^dataset.attribute=Old: name one of Young, Smiling$"):
        known.open_celeba(CelebaOptions(path=path, attribute="Old"))
    (tmp_path / "list_eval_partition.txt").write_text("000000.jpg 0\n")
    with pytest.raises(Corrupt, match=r"'000001.jpg' is not in CelebA's list"):
        known.open_celeba(CelebaOptions(path=path, split="train"))


def test_ffhqs_folders_are_not_classes(tmp_path: Path) -> None:
    write(tmp_path, ["00000/00000.png", "00000/00001.png", "01000/01000.png"])
    data = known.open_ffhq(KnownOptions(path=str(tmp_path), size=8))
    assert (data.info.num_classes, data.info.num_items) == (0, 3)


def test_parts_are_folders_of_classes(tmp_path: Path) -> None:
    write(tmp_path / "afhq", ["train/dog/a.jpg", "train/cat/b.jpg", "val/wild/c.jpg", "val/cat/d.jpg"])
    data = known.open_afhq(SplitOptions(path=str(tmp_path / "afhq"), size=8))
    assert describe(data) == [(1, "cat"), (0, "dog")]
    assert describe(known.open_afhq(SplitOptions(path=str(tmp_path), size=8, split="val"))) == [(3, "cat"), (2, "wild")]
    assert describe(known.open_imagenet(SplitOptions(path=str(tmp_path / "afhq"), size=8))) == describe(data)
    with pytest.raises(NotFound, match=r"^dataset.split=test: this part of 'afhq' is not there .*dataset.repo=huggan"):
        known.open_afhq(SplitOptions(path=str(tmp_path), split="test"))
    write(tmp_path, ["val/ILSVRC2012_val_00000001.JPEG"])
    with pytest.raises(NotFound, match="has images without a class"):
        known.open_imagenet(SplitOptions(path=str(tmp_path), split="val"))


def test_tiny_imagenets_classes_of_val_are_in_a_list(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "tiny.zip", "w") as archive:
        for number, name in enumerate(["train/n02/images/a.JPEG", "train/n01/images/b.JPEG", "val/images/c.JPEG"]):
            archive.writestr(f"tiny-imagenet-200/{name}", encode(number))
        archive.writestr("tiny-imagenet-200/train/n01/n01_boxes.txt", "b.JPEG\t0\t0\n")
        archive.writestr("tiny-imagenet-200/val/val_annotations.txt", "c.JPEG\tn02\t0\t0\t9\t9\n")
    path = str(tmp_path / "tiny.zip")
    assert describe(known.open_tiny_imagenet(SplitOptions(path=path, size=8))) == [(1, "n01"), (0, "n02")]
    assert describe(known.open_tiny_imagenet(SplitOptions(path=path, size=8, split="val"))) == [(2, "n02")]


def test_where_they_are_missing_each_way_is_said(tmp_path: Path) -> None:
    for name, build, options in (
        ("celeba", known.open_celeba, CelebaOptions), ("ffhq", known.open_ffhq, KnownOptions),
        ("imagenet", known.open_imagenet, SplitOptions), ("tiny-imagenet", known.open_tiny_imagenet, SplitOptions),
    ):  # fmt: skip
        for path in (tmp_path, tmp_path / "none"):
            with pytest.raises(
                NotFound, match=f"{path.name}.*: download .*, or take it from the Hub: --dataset hub"
            ) as wrong:
                build(options(path=str(path)))  # type: ignore[operator]
            assert len(str(wrong.value)) < 500, name
