"""`upscaling`: crops of images, and small images that are made of them on the device (docs/upscaling.md)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganzoo.plugin import DataInfo, Item, UsageError, describe_image
from ganzoo_datasets.archives import SourceFile
from ganzoo_datasets.degradation import REAL, degrade, shrink
from ganzoo_datasets.labels import Labels
from ganzoo_datasets.listing import list_files
from ganzoo_datasets.pictures import Pictures, is_image
from ganzoo_datasets.specs.upscaling import UpscalingOptions, upscaling_shape


class Upscaling:
    """Random crops of image files; the label of a crop is a small image, which is made of it anew at each use.

    Crops are not resized: an image that is smaller than a crop is not used, because enlarging it would teach the
    generator to blur.

    Args:
        options: The folder, the size of the crops, and how small images are made.

    Raises:
        NotFound: The path is not a folder or archive, or has no images.
        UsageError: No path is given, or the size is not a multiple of the scale.
        Corrupt: An archive is damaged.
    """

    def __init__(self, options: UpscalingOptions) -> None:
        size, scale = options.size, options.scale
        if size % scale or size // scale < 2:
            nearest = max(2, round(size / scale)) * scale
            raise UsageError(
                f"dataset.size={size} is not a multiple of dataset.scale={scale} with 2 pixels or more in a small "
                f"image: set dataset.size={nearest}"
            )
        if not options.path:
            raise UsageError("dataset 'upscaling' needs a folder of images: add dataset.path=FOLDER")
        files = list_files(options.path, is_image, "images", ".jpg, .png or other image files")
        self.options, self.strict = options, options.strict
        shape = upscaling_shape(options)
        self._pictures = Pictures(
            files, Labels((), [None] * len(files)), shape, "random", options.crops, options.strict
        )
        self._files = [file for file in files for _ in range(options.crops)]
        self.info = DataInfo(
            shape=shape,
            num_items=len(self._files),
            label_shape=(options.channels, size // scale, size // scale),
            label_dtype="uint8",
        )

    def items(self) -> list[Item]:
        """Return an item for each crop of each file."""
        return [
            replace(item, load=partial(_load, file, item, self.options.size))
            for file, item in zip(self._files, self._pictures.items(), strict=True)
        ]

    def notes(self) -> list[str]:
        """Return a line about the decoded files that have several frames; nothing if there is none."""
        return self._pictures.notes()

    def condition(self, real: Tensor, generator: torch.Generator) -> Tensor:
        """Return small images ``[n, C, size / scale, size / scale]`` of large ones, with the levels of bytes."""
        images, scale = (real + 1) / 2, self.options.scale
        is_real = self.options.degradation == "real"
        small = degrade(images, scale, generator, *REAL) if is_real else shrink(images, scale)
        return (small * 255).round().clamp(0, 255) / 127.5 - 1


def _load(file: SourceFile, item: Item, size: int) -> NDArray[np.uint8]:
    """Decode a crop; raise ValueError if its image is smaller."""
    pixels: NDArray[np.uint8] = item.load()
    facts = describe_image(file.read(), (size, size), "random")
    if facts["scale"] > 1:
        width, height = facts["width"], facts["height"]
        raise ValueError(f"{width}x{height} pixels are fewer than dataset.size={size}: set a smaller size")
    return pixels


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write four images of waves to a folder, and return the options that open it."""
    rows, columns = np.mgrid[0:24, 0:28]
    for number in range(4):
        waves = np.stack([np.sin(rows / (2 + number + c) + columns / (3 + c)) for c in range(3)], -1)
        Image.fromarray((127.5 + 120 * waves).astype(np.uint8)).save(folder / f"{number}.png")
    return {"path": str(folder), "size": 16, "crops": 2}
