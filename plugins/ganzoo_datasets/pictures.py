"""Image files with labels as a dataset: what the datasets of files have in common."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.plugin import IMAGE_SUFFIXES, Item, UsageError, describe_image, read_image
from ganzoo_datasets.archives import SourceFile
from ganzoo_datasets.labels import Labels
from ganzoo_datasets.specs.images import Crop

CAMERA = "a camera's raw file: convert it to JPEG"
UNREADABLE = {  # suffixes of images that nothing here reads, and what to do; Pillow would read some as a thumbnail
    **dict.fromkeys((".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"), CAMERA),
    **dict.fromkeys((".jxl", ".psd", ".svg"), "Pillow does not read this format: convert it to PNG"),
}
WITH_FRAMES = (".avif", ".gif", ".png", ".tif", ".tiff", ".webp")  # formats of animations and of several pages
NUM_NAMED = 2  # a note names at most this many files


def is_image(name: PurePath) -> bool:
    """Return whether a file is an image by its suffix, even one that cannot be read here."""
    suffix = name.suffix.lower()
    return suffix in IMAGE_SUFFIXES or suffix in UNREADABLE


class Pictures:
    """Image files, which are decoded, cropped and resized to one shape.

    Images that cannot be read (`UNREADABLE`) are items too, so that they are counted and named.

    Args:
        files: The image files, in the order of the samples.
        labels: The labels of the files, in the same order.
        shape: The shape of the samples: channels, height, width.
        crop: How images get the ratio of the shape; see `ganzoo.plugin.read_image`.
        crops: The number of random crops of each image.
        strict: Whether an unreadable file is an error.

    Raises:
        UsageError: The number of channels is 2, or there are several crops that are not random.
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        labels: Labels,
        shape: tuple[int, int, int],
        crop: Crop = "centre",
        crops: int = 1,
        strict: bool = False,
    ) -> None:
        if shape[0] not in (1, 3):
            raise UsageError(f"dataset.channels: expected 1 (grey) or 3 (colour), got {shape[0]}")
        if crops > 1 and crop != "random":
            raise UsageError(
                f"dataset.crops={crops}: crops that are not random are all the same: add dataset.crop=random"
            )
        self.strict, self._crops = strict, crops
        self._files, self._labels = files, labels.repeat(crops)
        self._read = partial(read_image, channels=shape[0], size=(shape[2], shape[1]), crop=crop)
        self._describe = partial(describe_image, size=(shape[2], shape[1]), crop=crop)
        self._animated: list[str] = []
        self.info = self._labels.describe(shape)

    def items(self) -> list[Item]:
        """Return an item for each crop of each file. Several items may be loaded at the same time."""
        copies = [(file, number) for file in self._files for number in range(self._crops)]
        return [
            Item(
                name=file.name.as_posix() + (f" (crop {number})" if number else ""),
                load=self._make_loader(file, number),
                label=self._labels.numbers[index],
                stamp=file.stamp or "",
                target=partial(np.asarray, self._labels.vectors[index]) if len(self._labels.vectors) else None,
                original=partial(_read_original, file.read, self._describe),
            )
            for index, (file, number) in enumerate(copies)
        ]

    def notes(self) -> list[str]:
        """Return a line about the decoded files that have several frames; nothing if there is none."""
        if not self._animated:
            return []
        names, more = sorted(self._animated), len(self._animated) - NUM_NAMED
        words = ", ".join(names[:NUM_NAMED]) + (f" and {more} more" if more > 0 else "")
        return [f"{len(names)} files have several frames or pages, of which the first is used: {words}"]

    def _make_loader(self, file: SourceFile, number: int) -> Callable[[], NDArray[np.uint8]]:
        suffix, name = file.name.suffix.lower(), file.name.as_posix()
        if suffix in UNREADABLE:
            return partial(_refuse, UNREADABLE[suffix])
        read = partial(self._read, seed=f"{name} {number}")
        animated = self._animated if suffix in WITH_FRAMES and not number else None
        return partial(_load, file.read, read, name, animated)


def _load(
    read_bytes: Callable[[], bytes], read: Callable[[bytes], NDArray[np.uint8]], name: str, animated: list[str] | None
) -> NDArray[np.uint8]:
    """Decode a file; add its name to a list if it has several frames."""
    content = read_bytes()
    pixels = read(content)
    if animated is not None and _has_frames(content):
        animated.append(name)
    return pixels


def _read_original(read_bytes: Callable[[], bytes], describe: Callable[[bytes], dict[str, Any]]) -> dict[str, Any]:
    return describe(read_bytes())


def _has_frames(content: bytes) -> bool:
    """Return whether a file has a second frame or page."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.seek(1)
    except Exception:  # Pillow has many errors; a file that was decoded has its first frame
        return False
    return True


def _refuse(reason: str) -> Any:
    """Raise the error of an image of a format that cannot be read."""
    raise ValueError(reason)
