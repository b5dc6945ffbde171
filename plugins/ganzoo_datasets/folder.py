"""One's own images: a folder of files in whatever mode, size and orientation, all brought to one size."""

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
from ganzoo_datasets import FolderOptions


@dataclass(frozen=True)
class Found:
    """An image file: its path inside the folder, the way to it, and what changes when its content does."""

    name: PurePath
    path: str
    stamp: str


class Folder:
    """The images of a folder and its sub-folders, in the order of their names.

    Hidden files, hidden folders and files that are no images by their extension are left out; links are followed,
    each folder once. Where every image lies in a sub-folder and there are at least two such, the sub-folder of the
    first level is the label.

    Args:
        options: Where, and as what.

    Raises:
        NotFound: A path that is no folder, cannot be listed or holds no images.
        UsageError: No path, or 2 channels.
    """

    def __init__(self, options: FolderOptions) -> None:
        if options.channels not in (1, 3):
            raise UsageError(f"dataset.channels: expected 1 (grey) or 3 (colour), got {options.channels}")
        self.strict = options.strict
        size = (options.width or options.size, options.size)
        self._load = partial(read_image, size=size, channels=options.channels)
        self._files = _files(options.path)
        self._classes = _classes([found.name for found in self._files])
        self.info = DataInfo(
            shape=(options.channels, options.size, options.width or options.size),
            num_classes=len(self._classes),
            num_items=len(self._files),
            meta={"classes": self._classes} if self._classes else {},
        )

    def items(self) -> list[Item]:
        """Return one item for each file; several may be loaded at once."""
        numbers = {name: number for number, name in enumerate(self._classes)}
        return [
            Item(
                name=found.name.as_posix(),
                load=partial(self._load, found.path),
                label=numbers.get(found.name.parts[0]),
                stamp=found.stamp,
            )
            for found in self._files
        ]


# ----------------------------------------------------------------------------
# Listing.


def _files(path: str) -> list[Found]:
    """Return the image files under a path that a person gave."""
    if not path:
        raise UsageError("dataset 'folder' needs a folder of images: add --dataset PATH")
    root = os.path.expanduser(path)  # leaves an unknown ~user as it is, where Path raises
    if not os.path.isdir(root):
        what = "is a file" if os.path.exists(root) else "does not exist, or may not be entered"
        raise NotFound(f"dataset.path: {root!r} {what}: give a folder of images with --dataset PATH")
    try:
        found = list(_walk(root, PurePath(), set()))
    except OSError as error:
        raise NotFound(
            f"dataset.path: cannot list {error.filename!r} ({error.strerror}): make it readable or give another folder"
        ) from error
    if not found:
        raise NotFound(f"dataset.path: {root!r} holds no images: give a folder with {', '.join(IMAGE_SUFFIXES)} files")
    return found


def _walk(folder: str, name: PurePath, seen: set[tuple[int, int]]) -> Iterator[Found]:
    """Yield the images under a folder in the order of their names; a folder that was seen is passed over."""
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in sorted(entry for entry in os.listdir(folder) if not entry.startswith(".")):
        path = os.path.join(folder, entry)
        if os.path.isdir(path):
            yield from _walk(path, name / entry, seen)
        elif os.path.splitext(entry)[1].lower() in IMAGE_SUFFIXES:
            stamp = _stamp(path)
            if stamp is not None:
                yield Found(name / entry, path, stamp)


def _stamp(path: str) -> str | None:
    """Return a file's size and time of change (bytes, ns); None for what is no file (a pipe); '' for a dead link."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}" if stat.S_ISREG(status.st_mode) else None


def _classes(names: list[PurePath]) -> list[str]:
    """Return the sub-folders that are classes, sorted; none where an image lies outside or there is only one."""
    folders = sorted({name.parts[0] for name in names})
    return folders if len(folders) > 1 and all(len(name.parts) > 1 for name in names) else []


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write twelve pictures of two classes into a folder, and return the options that open it."""
    for number in range(12):
        class_folder = folder / ("dark", "bright")[number % 2]
        class_folder.mkdir(exist_ok=True)
        rows, columns = np.mgrid[0:24, 0:32]
        pixels = np.stack([rows * 4, columns * 3, rows + columns + 8 * number], -1) + 100 * (number % 2)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(class_folder / f"{number:02d}.png")
    return {"path": str(folder), "size": 16}
