"""Image files as arrays, in whatever mode, orientation and depth they were saved.

Pillow and numpy are imported when a file is read, not before.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

IMAGE_SUFFIXES = (
    ".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif",
    ".tiff", ".webp",
)  # fmt: skip
ORIENTATION = 0x0112  # the EXIF tag, and what turns each of its values upright
UPRIGHT = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE",
    8: "ROTATE_90",
}  # fmt: skip
FILTERS = Lock()  # held while Python's warning filters are changed: they are the whole process's, and so is this


def read_image(
    path: str | os.PathLike[str], channels: int = 3, size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Return an image file as uint8 ``[channels, H, W]``: upright, what is transparent on white, of 8 bits.

    Args:
        path: The file, of any format and mode that Pillow reads (`IMAGE_SUFFIXES`). Grey of 16 or 32 bits is scaled
            from the smallest usual range that holds it.
        channels: 1 for grey, 3 for colour.
        size: Width and height in pixels: the largest part around the centre that has their ratio is resized to them,
            antialiased. None for the image as large as it is.

    Raises:
        Exception: Whatever Pillow says about a file that is broken, or suspiciously large.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    content = io.BytesIO(Path(path).read_bytes())
    with quiet():
        try:
            image: Image.Image = Image.open(content)
        except UnidentifiedImageError:  # its text is the address of `content`
            raise ValueError("not an image that Pillow can read") from None
    if size is not None:  # a JPEG decodes at a fraction, with enough left to resize from
        image.draft(None, (2 * max(size), 2 * max(size)))
    image.load()
    with quiet():
        image = _rotate_upright(image)
    image = flatten_image(image if size is None else _crop_centre(image, size)).convert("L" if channels == 1 else "RGB")
    if size is not None:
        image = image.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(image).reshape(image.height, image.width, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextmanager
def quiet() -> Iterator[None]:
    """Make an image that is suspiciously large an error, and keep what Pillow says of odd metadata to itself."""
    from PIL import Image

    with FILTERS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _rotate_upright(image: Image) -> Image:
    """Turn an image as its EXIF says; damaged EXIF says nothing."""
    from PIL.Image import Transpose

    orientation = None
    with suppress(Exception):
        orientation = image.getexif().get(ORIENTATION)
    return image.transpose(Transpose[UPRIGHT[orientation]]) if orientation in UPRIGHT else image


def _crop_centre(image: Image, size: tuple[int, int]) -> Image:
    """Return the largest part around the centre whose sides are as `size`, width and height."""
    width = min(image.width, max(1, image.height * size[0] // size[1]))
    height = min(image.height, max(1, image.width * size[1] // size[0]))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def flatten_image(image: Image) -> Image:
    """Return an image of any mode as L or RGB, what is transparent on white."""
    from PIL import Image as images

    if image.mode == "F" or image.mode.startswith("I"):
        return _convert_to_eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        image = images.alpha_composite(images.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _convert_to_eight_bits(image: Image) -> Image:
    """Return numbers of 16 or 32 bits, whole or float, as L.

    They are scaled from the smallest of the usual ranges (0 to 1 for floats, 0 to 255, 0 to 65535) that holds them,
    16 bits always from the whole of theirs, and numbers beyond from their own lowest and highest.
    """
    import numpy as np
    from PIL.Image import fromarray

    values: NDArray[Any] = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("holds numbers that are not finite")
    low, high = float(values.min()), float(values.max())
    usual = {"F": (1, 255, 65535), "I": (255, 65535)}.get(image.mode, (65535,))
    low, high = next(((0, top) for top in usual if low >= 0 and high <= top), (low, high))
    return fromarray(np.rint((values - low) * (255 / ((high - low) or 1))).astype(np.uint8))
