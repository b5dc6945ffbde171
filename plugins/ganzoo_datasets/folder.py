"""One's own images: a folder of files in whatever mode, size and orientation, all brought to one size."""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ganzoo.plugin import DataInfo, Item, NotFound, UsageError
from ganzoo_datasets import FolderOptions

EXTENSIONS = (
    ".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif",
    ".tiff", ".webp",
)  # fmt: skip
ORIENTATION = 0x0112  # the EXIF tag, and what turns each of its values upright
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
FILTERS = Lock()  # held while Python's warning filters are changed: they are the whole process's, and so is this


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
        self._load = partial(load, size=size, channels=options.channels)
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
        raise NotFound(f"dataset.path: {root!r} holds no images: give a folder with {', '.join(EXTENSIONS)} files")
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
        elif os.path.splitext(entry)[1].lower() in EXTENSIONS:
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
# Decoding.


def load(path: str, size: tuple[int, int], channels: int) -> npt.NDArray[np.uint8]:
    """Return an image file as uint8 ``[channels, height, width]``: upright, its centre, on white, antialiased.

    Args:
        path: The file.
        size: Width and height in pixels; as much of the centre is taken as has their ratio.
        channels: 1 for grey, 3 for colour.

    Raises:
        Exception: Whatever Pillow says about a file that is broken.
    """
    content = io.BytesIO(Path(path).read_bytes())
    with quiet(FILTERS):
        try:
            image: Image.Image = Image.open(content)
        except UnidentifiedImageError:  # its text is the address of `content`
            raise ValueError("not an image that Pillow can read") from None
    image.draft(None, (2 * max(size), 2 * max(size)))  # a JPEG decodes at a fraction, with enough left to resize from
    image.load()
    with quiet(FILTERS):
        image = _upright(image)
    image = flat(_centre(image, size)).convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    return np.ascontiguousarray(pixels.reshape(size[1], size[0], channels).transpose(2, 0, 1))


@contextmanager
def quiet(lock: Lock) -> Iterator[None]:
    """Make an image that is suspiciously large an error, and keep what Pillow says of odd metadata to itself."""
    with lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _upright(image: Image.Image) -> Image.Image:
    """Turn an image as its EXIF says; damaged EXIF says nothing."""
    orientation = None
    with suppress(Exception):
        orientation = image.getexif().get(ORIENTATION)
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def _centre(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the largest part around the centre whose sides are as `size`, width and height."""
    width = min(image.width, max(1, image.height * size[0] // size[1]))
    height = min(image.height, max(1, image.width * size[1] // size[0]))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def flat(image: Image.Image) -> Image.Image:
    """Return an image of any mode as L or RGB, what is transparent on white."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return numbers of 16 or 32 bits, whole or float, as L.

    They are scaled from the smallest of the usual ranges (0 to 1 for floats, 0 to 255, 0 to 65535) that holds them,
    16 bits always from the whole of theirs, and numbers beyond from their own lowest and highest.
    """
    values: npt.NDArray[Any] = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("holds numbers that are not finite")
    low, high = float(values.min()), float(values.max())
    usual = {"F": (1, 255, 65535), "I": (255, 65535)}.get(image.mode, (65535,))
    low, high = next(((0, top) for top in usual if low >= 0 and high <= top), (low, high))
    return Image.fromarray(np.rint((values - low) * (255 / ((high - low) or 1))).astype(np.uint8))


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write twelve pictures of two classes into a folder, and return the options that open it."""
    for number in range(12):
        place = folder / ("dark", "bright")[number % 2]
        place.mkdir(exist_ok=True)
        rows, columns = np.mgrid[0:24, 0:32]
        pixels = np.stack([rows * 4, columns * 3, rows + columns + 8 * number], -1) + 100 * (number % 2)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(place / f"{number:02d}.png")
    return {"path": str(folder), "size": 16}
