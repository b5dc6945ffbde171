"""The included handwritten digits (source and licence: digits.md)."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganzoo_datasets.specs.included import DigitsOptions, digits_info


class Digits:
    """The 1,797 digits: `data` uint8 ``[1797, 1, size, size]``, `labels` int64 ``[1797]``.

    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
    doi:10.24432/C50P49: 8x8 pixels from 0 to 16, here scaled to 0..255 and resized (bicubic).
    """

    def __init__(self, options: DigitsOptions) -> None:
        self.info = digits_info(options)
        with files("ganzoo_datasets").joinpath("digits.npz").open("rb") as file, np.load(file) as archive:
            images, labels = archive["images"], archive["labels"]
        self.data: npt.NDArray[np.uint8] = np.stack([_resize(image, options.size) for image in _scale(images)])
        self.labels: npt.NDArray[np.int64] = labels.astype(np.int64)


def _scale(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Scale values from 0..16 to 0..255."""
    scaled: npt.NDArray[np.uint8] = np.rint(images * (255 / 16)).astype(np.uint8)
    return scaled


def _resize(image: npt.NDArray[np.uint8], size: int) -> npt.NDArray[Any]:
    """Resize an image ``[8, 8]`` to ``[1, size, size]``."""
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))[None]
