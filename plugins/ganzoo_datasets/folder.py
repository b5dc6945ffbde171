"""A folder or archive of image files of any mode, size and orientation, resized to one size."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.plugin import Corrupt, NotFound, UsageError
from ganzoo_datasets.archives import SourceFile, cut_folders_around
from ganzoo_datasets.labels import STYLEGAN, TABLE, Labels, label_by_folder, read_stylegan, read_table
from ganzoo_datasets.listing import list_files, require_path
from ganzoo_datasets.pictures import Pictures, is_image
from ganzoo_datasets.specs.folder import FolderOptions, folder_shape


class Folder(Pictures):
    """The images of a folder and its sub-folders, or of a .zip or .tar, in the order of their names.

    Hidden files, hidden folders and files without an image suffix are ignored, and so are sub-folders that are runs or
    model packages, whose images are generated. Links are followed, each folder once.

    Labels come from the table `labels.csv` or StyleGAN's `dataset.json` at the top of the folder. If there is neither,
    all images are in sub-folders and there are at least two of them, the sub-folder of the first level is the class.
    A folder that contains everything does not count as a level.

    Args:
        options: The path, size, number of channels, and where crops and labels come from.

    Raises:
        NotFound: The path is not a folder or archive, cannot be listed, or has no images.
        UsageError: The path is missing, or options or labels do not fit.
        Corrupt: An archive or a file of labels is damaged.
    """

    def __init__(self, options: FolderOptions) -> None:
        require_path("folder", options.path, "images")
        files, labels = list_labelled(options.path, options.labels, options.label)
        super().__init__(files, labels, folder_shape(options), options.crop, options.crops, options.strict)


def list_labelled(path: str, source: str = "auto", column: str = "") -> tuple[list[SourceFile], Labels]:
    """Return the images of a folder or archive, and their labels.

    Args:
        path: The folder or archive.
        source: Where labels come from: ``auto``, ``folders`` or ``none``.
        column: The column of `labels.csv` with the labels; empty for the usual one.
    """
    listed = list_files(path, _is_wanted, "images", ".jpg, .png or other image files")
    files = [file for file in listed if is_image(file.name)]
    if not files:
        raise NotFound(f"dataset.path: {path!r} has labels and no images: give a folder with both")
    names = cut_folders_around([file.name for file in listed])
    at_top = [file for file, name in zip(listed, names, strict=True) if len(name.parts) == 1]
    tables = {file.name.name: file for file in at_top if not is_image(file.name)}
    if column and (source != "auto" or TABLE not in tables):
        raise UsageError(f"dataset.label={column}: there is no {TABLE} at the top of {path!r}: remove dataset.label")
    return files, _find_labels(tables, [name for name in names if is_image(name)], source, column)


def _is_wanted(name: PurePath) -> bool:
    return is_image(name) or name.name in (TABLE, STYLEGAN)


def _read_labels(file: SourceFile) -> bytes:
    try:
        return file.read()
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise Corrupt(f"{file.name.as_posix()!r} cannot be read ({error}): copy it again") from error


def _find_labels(tables: dict[str, SourceFile], names: Sequence[PurePath], source: str, column: str) -> Labels:
    if source == "none":
        return Labels((), [None] * len(names))
    if source == "auto" and TABLE in tables:
        return read_table(_read_labels(tables[TABLE]), names, column)
    if source == "auto" and STYLEGAN in tables:
        return read_stylegan(_read_labels(tables[STYLEGAN]), names)
    return label_by_folder(names)


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write twelve pictures of two classes to a folder, and return the options that open it."""
    for number in range(12):
        class_folder = folder / ("dark", "bright")[number % 2]
        class_folder.mkdir(exist_ok=True)
        rows, columns = np.mgrid[0:24, 0:32]
        pixels = np.stack([rows * 4, columns * 3, rows + columns + 8 * number], -1) + 100 * (number % 2)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(class_folder / f"{number:02d}.png")
    return {"path": str(folder), "size": 16}
