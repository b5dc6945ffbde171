"""Known datasets of image files: `celeba`, `ffhq`, `afhq`, `imagenet` and `tiny-imagenet`, as each is distributed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.plugin import Corrupt, NotFound, UsageError
from ganzoo_datasets.archives import SourceFile
from ganzoo_datasets.labels import Labels, number_classes
from ganzoo_datasets.listing import list_files
from ganzoo_datasets.pictures import Pictures, is_image
from ganzoo_datasets.places import find_data
from ganzoo_datasets.specs.known import CelebaOptions, KnownOptions, SplitOptions, known_shape

HUB = "or take it from the Hub: --dataset hub dataset.repo={}"
WAYS = {
    "celeba": "download img_align_celeba.zip (and the lists of attributes and parts) from "
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html into one folder, and set dataset.path=FOLDER, "
    + HUB.format("flwrlabs/celeba"),
    "ffhq": "download images1024x1024 or thumbnails128x128 as https://github.com/NVlabs/ffhq-dataset says, and set "
    "dataset.path=FOLDER, " + HUB.format("merkol/ffhq-256"),
    "afhq": "download it as https://github.com/clovaai/stargan-v2 says, and set dataset.path=FOLDER or the .zip, "
    + HUB.format("huggan/AFHQv2"),
    "imagenet": "download it from https://image-net.org (you must register), unpack it to a folder train with a folder "
    "for each class, and set dataset.path=FOLDER, " + HUB.format("ILSVRC/imagenet-1k"),
    "tiny-imagenet": "download http://cs231n.stanford.edu/tiny-imagenet-200.zip and set dataset.path to it, "
    + HUB.format("zh-plus/tiny-imagenet"),
}
ATTRIBUTES, PARTITION = "list_attr_celeba.txt", "list_eval_partition.txt"
PARTS = {"train": "0", "valid": "1", "test": "2"}  # in the list of parts
VAL_NAMES = "val_annotations.txt"  # of tiny-imagenet: the classes of its part val

# ----------------------------------------------------------------------------
# The datasets.


def open_celeba(options: CelebaOptions) -> Pictures:
    """Open CelebA (Liu et al. 2015): images, or their .zip, with the lists beside them; an attribute makes classes.

    Raises:
        NotFound: The images or a list that is needed are not there.
        UsageError: There is no such attribute.
        Corrupt: A list does not have the images.
    """
    root = _find_root("celeba", options, ("celeba", "data/celeba"))
    inside = next(
        (each for each in (root / "img_align_celeba.zip", root / "Img" / "img_align_celeba.zip") if each.is_file()),
        root,
    )
    files = _list_images("celeba", inside)
    if options.split != "all":
        parts = _read_list(root, PARTITION, "dataset.split=all needs none")[1]
        files = [file for file in files if _get_row(parts, file)[0] == PARTS[options.split]]
    labels = Labels((), [None] * len(files))
    if options.attribute:
        names, rows = _read_list(root, ATTRIBUTES, "remove dataset.attribute")
        if options.attribute not in names:
            raise UsageError(f"dataset.attribute={options.attribute}: name one of {', '.join(names)}")
        column = names.index(options.attribute)
        given = [int(_get_row(rows, file)[column] == "1") for file in files]
        labels = Labels((f"not {options.attribute}", options.attribute), given)
    return _make("celeba", files, labels, options)


def open_ffhq(options: KnownOptions) -> Pictures:
    """Open FFHQ (Karras et al. 2018), whose sub-folders of 1,000 images are not classes.

    Raises:
        NotFound: The images are not there.
    """
    root = _find_root("ffhq", options, ("images1024x1024", "thumbnails128x128", "ffhq", "data/ffhq"))
    files = _list_images("ffhq", root)
    return _make("ffhq", files, Labels((), [None] * len(files)), options)


def open_afhq(options: SplitOptions) -> Pictures:
    """Open AFHQ (Choi et al. 2019): folders train and val (in version 2, test), with a folder for each of 3 classes.

    Raises:
        NotFound: The images are not there.
    """
    return _open_split("afhq", options, ("afhq", "afhq_v2", "afhq.zip", "data/afhq"))


def open_imagenet(options: SplitOptions) -> Pictures:
    """Open ImageNet (Russakovsky et al. 2014): a folder for each part, in which there is a folder for each class.

    Raises:
        NotFound: The images are not there.
    """
    return _open_split("imagenet", options, ("imagenet", "ILSVRC/Data/CLS-LOC", "data/imagenet"))


def open_tiny_imagenet(options: SplitOptions) -> Pictures:
    """Open Tiny ImageNet, from its .zip or folder; the classes of the part val stand in a list.

    Raises:
        NotFound: The images are not there.
    """
    return _open_split(
        "tiny-imagenet", options, ("tiny-imagenet-200", "tiny-imagenet-200.zip", "data/tiny-imagenet-200")
    )


# ----------------------------------------------------------------------------
# Files.


def _find_root(name: str, options: KnownOptions, places: Sequence[str]) -> Path:
    return find_data(name, options.path, places, lambda place: place, WAYS[name])


def _list_images(name: str, root: Path, wanted: Callable[[PurePath], bool] = is_image) -> list[SourceFile]:
    """Return the wanted files of a dataset; if there is none, the error says how to get them."""
    try:
        return list_files(str(root), wanted, "images", ".jpg or .png files")
    except NotFound as error:
        raise NotFound(f"dataset {name!r} is not in {str(root)!r}: {WAYS[name]}") from error


def _open_split(name: str, options: SplitOptions, places: Sequence[str]) -> Pictures:
    """Open the folder of a part, in which there is a folder for each class."""
    root = _find_root(name, options, places)
    listed = _list_images(name, root, lambda file: is_image(file) or file.name == VAL_NAMES)
    inside = [(file, _cut_name(file.name, options.split)) for file in listed]
    tables = [file for file, after in inside if after is not None and file.name.name == VAL_NAMES]
    found = [(file, after) for file, after in inside if after is not None and is_image(file.name)]
    if tables:
        rows = [line.split("\t") for line in tables[0].read().decode("utf-8", "replace").splitlines()]
        of_file = {row[0]: row[1] for row in rows if len(row) > 1}
        classes = [of_file.get(file.name.name, "") for file, _ in found]
    else:
        classes = [after.parts[0] if len(after.parts) > 1 else "" for _, after in found]
    if not found or not all(classes):
        wrong = "is not there" if not found else "has images without a class"
        raise NotFound(f"dataset.split={options.split}: this part of {name!r} {wrong} in {str(root)!r}: {WAYS[name]}")
    return _make(name, [file for file, _ in found], number_classes(classes), options)


def _cut_name(name: PurePath, split: str) -> PurePath | None:
    """Return the part of a name after the folder of a split; None if the file is not in it."""
    parts = name.parts
    return PurePath(*parts[parts.index(split) + 1 :]) if split in parts[:-1] else None


def _make(name: str, files: Sequence[SourceFile], labels: Labels, options: KnownOptions) -> Pictures:
    if not files:
        raise NotFound(f"dataset {name!r} has no images of this part: {WAYS[name]}")
    return Pictures(files, labels, known_shape(options), options.crop, strict=options.strict)


# ----------------------------------------------------------------------------
# CelebA's lists.


def _read_list(root: Path, name: str, otherwise: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the names of a list's columns, and its rows by the name of the image."""
    folder = root if root.is_dir() else root.parent
    path = next(
        (path for path in (folder / name, folder / "Anno" / name, folder / "Eval" / name) if path.is_file()), None
    )
    if path is None:
        raise NotFound(f"{name} is not in {str(folder)!r}: download it with the images, or {otherwise}")
    lines = [line.split() for line in path.read_text("utf-8", "replace").splitlines()]
    images = {line[0]: line[1:] for line in lines if len(line) > 1 and PurePath(line[0]).suffix}
    return next((line for line in lines if len(line) > 1 and not PurePath(line[0]).suffix), []), images


def _get_row(rows: dict[str, list[str]], file: SourceFile) -> list[str]:
    if file.name.name not in rows:
        raise Corrupt(f"{file.name.name!r} is not in CelebA's list: download the list again")
    return rows[file.name.name]


# ----------------------------------------------------------------------------
# Examples.


def _write_image(path: Path, number: int) -> None:
    rows, columns = np.mgrid[0:24, 0:20]
    pixels = np.stack([rows * 9, columns * 9, rows + columns + 15 * number], -1) % 256
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def celeba_examples(folder: Path) -> dict[str, Any]:
    """Write eight images with a list of attributes, and return the options that open them."""
    lines = ["8", "Smiling Young"]
    for number in range(8):
        _write_image(folder / "img_align_celeba" / f"{number:06}.png", number)
        lines.append(f"{number:06}.png {(-1, 1)[number % 2]:2} -1")
    (folder / ATTRIBUTES).write_text("\n".join(lines))
    return {"path": str(folder), "size": 16, "attribute": "Smiling"}


def ffhq_examples(folder: Path) -> dict[str, Any]:
    """Write eight images in two folders, and return the options that open them."""
    for number in range(8):
        _write_image(folder / f"{number // 4:05}" / f"{number:05}.png", number)
    return {"path": str(folder), "size": 16}


def split_examples(folder: Path) -> dict[str, Any]:
    """Write eight images of two classes, and return the options that open them."""
    for number in range(8):
        _write_image(folder / "train" / ("cat", "dog")[number % 2] / "images" / f"{number}.png", number)
    return {"path": str(folder), "size": 16}
