"""A folder of image files of any mode, size and orientation, resized to one size."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.plugin import IMAGE_SUFFIXES, DataInfo, Item, NotFound, UsageError, read_image
from ganzoo_datasets.specs.folder import FolderOptions, folder_shape

ARCHIVES = (".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip")
CAMERA = "a camera's raw file: convert it to JPEG"
UNREADABLE = {  # suffixes of images that nothing here reads, and what to do; Pillow would read some as a thumbnail
    **dict.fromkeys((".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"), CAMERA),
    **dict.fromkeys((".jxl", ".psd", ".svg"), "Pillow does not read this format: convert it to PNG"),
}

OUTPUTS = (("recipe.json",), ("config.json", "model.safetensors"))  # the files of a run, and of a model package


@dataclass(frozen=True)
class ImageFile:
    """An image file.

    Args:
        name: The path inside the folder.
        path: The path to open.
        stamp: Text that changes when the content changes.
    """

    name: PurePath
    path: str
    stamp: str


class Folder:
    """The images of a folder and its sub-folders, in the order of their names.

    Hidden files, hidden folders and files without an image suffix are ignored, and so are sub-folders that are runs or
    model packages, whose images are generated. Links are followed, each folder once. If all images are in sub-folders
    and there are at least two of them, the sub-folder of the first level is the class.
    Images that cannot be read (`UNREADABLE`) are items too, so that they are counted and named.

    Args:
        options: The path, size and number of channels.

    Raises:
        NotFound: The path is not a folder, cannot be listed, or has no images.
        UsageError: The path is missing, or the number of channels is 2.
    """

    def __init__(self, options: FolderOptions) -> None:
        if options.channels not in (1, 3):
            raise UsageError(f"dataset.channels: expected 1 (grey) or 3 (colour), got {options.channels}")
        self.strict = options.strict
        size = (options.width or options.size, options.size)
        self._load = partial(read_image, size=size, channels=options.channels)
        self._files = _find_files(options.path)
        self._classes = _find_classes([found.name for found in self._files])
        self.info = DataInfo(
            shape=folder_shape(options),
            num_classes=len(self._classes),
            num_items=len(self._files),
            meta={"classes": self._classes} if self._classes else {},
        )

    def items(self) -> list[Item]:
        """Return one item for each file. Several items may be loaded at the same time."""
        numbers = {name: number for number, name in enumerate(self._classes)}
        return [
            Item(
                name=found.name.as_posix(),
                load=partial(_refuse, UNREADABLE[suffix]) if suffix in UNREADABLE else partial(self._load, found.path),
                label=numbers.get(found.name.parts[0]),
                stamp=found.stamp,
            )
            for found in self._files
            for suffix in [found.name.suffix.lower()]
        ]


def _refuse(reason: str) -> Any:
    """Raise the error of an image of a format that cannot be read."""
    raise ValueError(reason)


# ----------------------------------------------------------------------------
# Listing.


def _find_files(path: str) -> list[ImageFile]:
    """Return the image files in the folder that the user named."""
    if not path:
        raise UsageError("dataset 'folder' needs a folder of images: add --dataset PATH")
    root = os.path.expanduser(path)  # unlike Path, it does not raise for an unknown ~user
    if not os.path.isdir(root):
        what = "is a file" if os.path.exists(root) else "does not exist or may not be read"
        if os.path.isfile(root) and root.lower().endswith(ARCHIVES):
            raise NotFound(f"dataset.path: {root!r} is an archive: unzip it, and give the folder with --dataset PATH")
        raise NotFound(f"dataset.path: {root!r} {what}: give a folder of images with --dataset PATH")
    try:
        found = list(_walk(root, PurePath(), set()))
    except OSError as error:
        raise NotFound(
            f"dataset.path: cannot list {error.filename!r} ({error.strerror}): make it readable or give another folder"
        ) from error
    if not found:
        archive = next((name for name in sorted(os.listdir(root)) if name.lower().endswith(ARCHIVES)), "")
        way_out = f"unzip {archive}" if archive else "give a folder with .jpg, .png or other image files"
        raise NotFound(f"dataset.path: {root!r} has no images: {way_out}")
    return found


def _walk(folder: str, name: PurePath, seen: set[tuple[int, int]]) -> Iterator[ImageFile]:
    """Yield the images in a folder and its sub-folders, in the order of their names. Visited folders are skipped."""
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in sorted(entry for entry in os.listdir(folder) if not entry.startswith(".")):
        path = os.path.join(folder, entry)
        if os.path.isdir(path):
            if not _is_output(path):
                yield from _walk(path, name / entry, seen)
        elif os.path.splitext(entry)[1].lower() in (*IMAGE_SUFFIXES, *UNREADABLE):
            stamp = _make_stamp(path)
            if stamp is not None:
                yield ImageFile(name / entry, path, stamp)


def _is_output(folder: str) -> bool:
    """Return whether a folder is a run or a model package."""
    return any(all(os.path.isfile(os.path.join(folder, name)) for name in names) for names in OUTPUTS)


def _make_stamp(path: str) -> str | None:
    """Return a file's size and time of change (bytes, ns); None if it is not a file (a pipe); '' for a dead link."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}" if stat.S_ISREG(status.st_mode) else None


def _find_classes(names: list[PurePath]) -> list[str]:
    """Return the sub-folders that are classes, sorted; none if an image is outside of them or there is only one."""
    folders = sorted({name.parts[0] for name in names})
    return folders if len(folders) > 1 and all(len(name.parts) > 1 for name in names) else []


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
