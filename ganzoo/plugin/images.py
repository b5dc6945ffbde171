"""Reading image files of any mode, orientation and bit depth as arrays.

Pillow and numpy are imported when a file is read, not before.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

Crop = Literal["centre", "pad", "random"]  # how an image gets another ratio
IMAGE_SUFFIXES = (
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm",
    ".tga", ".tif", ".tiff", ".webp",
)  # fmt: skip
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # after "ftyp", at byte 8
LARGEST_JPEG = 268_000_000  # pixels, three times Pillow's limit; cameras of phones make up to 200 million
ORIENTATION = 0x0112  # the EXIF tag of the orientation; below, the operation that turns each value upright
UPRIGHT = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE",
    8: "ROTATE_90",
}  # fmt: skip
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange width and height
FILTERS = Lock()  # held while Python's warning filters are changed, because they belong to the whole process


def read_image(
    path: str | os.PathLike[str] | bytes,
    channels: int = 3,
    size: tuple[int, int] | None = None,
    crop: Crop = "centre",
    seed: str = "",
) -> NDArray[np.uint8]:
    """Read an image file and return uint8 ``[channels, H, W]``: upright, 8 bits, with transparent pixels on white.

    Of a file with several images or frames, the first is read.

    Args:
        path: The file, or its bytes, of any format and mode that Pillow reads (`IMAGE_SUFFIXES`). HEIC needs the
            package pillow-heif. Values of 16 or 32 bits are scaled to 8 bits from the smallest usual range that
            contains them.
        channels: 1 for grey, 3 for colour.
        size: Width and height in pixels, to which the image is resized with antialiasing. None keeps the size of the
            file. Only with a size a JPEG may have more pixels than Pillow's limit, because it is decoded at a fraction
            of its size.
        crop: How an image gets the ratio of `size`: ``centre`` crops it at its centre, ``pad`` adds white on two sides.
            ``random`` cuts out a window of `size` without resizing; only an image that is smaller than the window is
            enlarged before.
        seed: Any text, which determines the position of a random window.

    Returns:
        The pixels, 0 to 255.

    Raises:
        ImportError: The file is a HEIC image, and pillow-heif is not installed.
        ValueError: The image has more pixels than Pillow's limit, or Pillow cannot read it.
        Exception: An error of Pillow, if the file is broken.
    """
    import numpy as np
    from PIL import Image

    content = io.BytesIO(path if isinstance(path, bytes) else Path(path).read_bytes())
    resized = size is not None and crop != "random"
    with quiet():
        image = _open(content, resized)
    if size is not None and resized:  # a JPEG is decoded at a fraction of its size, still large enough to resize
        side = max(*size, min(2 * max(size), 4096))
        image.draft(None, (side, side))
    image.load()
    with quiet():
        image = _rotate_upright(image)
    if size is not None and crop != "pad":
        image = _crop_centre(image, size) if crop == "centre" else _cut_window(image, size, seed)
    image = flatten_image(image).convert("L" if channels == 1 else "RGB")
    if size is not None:
        image = _pad(image, size) if crop == "pad" else image.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(image).reshape(image.height, image.width, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def describe_image(
    path: str | os.PathLike[str] | bytes, size: tuple[int, int] | None = None, crop: Crop = "centre"
) -> dict[str, Any]:
    """Return what an image file is, and what `read_image` would make of it, without decoding its pixels.

    Args:
        path: The file, or its bytes.
        size: Width and height in pixels to which `read_image` resizes the image; None keeps its size.
        crop: How the image gets the ratio of `size`, in the words of `read_image`.

    Returns:
        ``width`` and ``height`` in pixels, upright; ``mode`` and ``format`` in Pillow's words; ``kept``, the share of
        the image that is neither cropped away nor outside of the window; ``scale``, the factor by which it is resized,
        above 1 if it is enlarged.

    Raises:
        Exception: As `read_image`, for what its header shows.
    """
    with quiet():
        image = _open(io.BytesIO(path if isinstance(path, bytes) else Path(path).read_bytes()), size is not None)
        turned = _find_orientation(image) in SIDEWAYS
    width, height = reversed(image.size) if turned else image.size
    target = size or (width, height)
    ratios = target[0] / width, target[1] / height
    scale = {"centre": max(ratios), "pad": min(ratios), "random": max(1.0, *ratios)}[crop]
    kept = 1.0 if crop == "pad" else min(1.0, ratios[0] / scale) * min(1.0, ratios[1] / scale)
    return {
        "width": width, "height": height, "mode": image.mode, "format": image.format, "kept": kept, "scale": scale,
    }  # fmt: skip


def _open(content: io.BytesIO, drafted: bool) -> Image:
    """Open an image without decoding it. If it will be drafted, a JPEG may have up to `LARGEST_JPEG` pixels."""
    from PIL import Image, UnidentifiedImageError
    from PIL.JpegImagePlugin import JpegImageFile

    start = content.getvalue()[:12]
    if start[4:8] == b"ftyp" and start[8:] in HEIF_BRANDS:
        _register_heif()
    try:
        return Image.open(content)
    except UnidentifiedImageError:  # Pillow's text shows only the memory address of `content`
        raise ValueError("not an image that Pillow can read") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        pixels = int(re.findall(r"\d+", str(error))[0])
        way_out = "make it smaller"
        if drafted and pixels <= LARGEST_JPEG:
            if start.startswith(b"\xff\xd8\xff"):
                content.seek(0)
                image = JpegImageFile(content)  # unlike `Image.open`, it does not check the limit
                if "progressive" not in image.info:  # that is decoded as a whole
                    return image
            way_out += ", or convert it to a JPEG that is not progressive"
        raise ValueError(f"{pixels / 1e6:.0f} megapixels are too many: {way_out}") from None


def _register_heif() -> None:
    """Let Pillow read HEIC images, if the package for that is installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise ImportError("HEIC: python -m pip install pillow-heif") from None
    register_heif_opener()


@contextmanager
def quiet() -> Iterator[None]:
    """Turn Pillow's warning about very large images into an error, and ignore its warnings about metadata."""
    from PIL import Image

    with FILTERS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _rotate_upright(image: Image) -> Image:
    """Rotate an image as its EXIF orientation says; damaged EXIF data is ignored."""
    from PIL.Image import Transpose

    orientation = _find_orientation(image)
    return image.transpose(Transpose[UPRIGHT[orientation]]) if orientation in UPRIGHT else image


def _find_orientation(image: Image) -> int | None:
    """Return the orientation in an image's EXIF data; None if there is none, or the data is damaged."""
    with suppress(Exception):
        return image.getexif().get(ORIENTATION)
    return None


def _crop_centre(image: Image, size: tuple[int, int]) -> Image:
    """Crop the centre of an image to the ratio of `size`, which is width and height."""
    width = min(image.width, max(1, image.height * size[0] // size[1]))
    height = min(image.height, max(1, image.width * size[1] // size[0]))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _cut_window(image: Image, size: tuple[int, int], seed: str) -> Image:
    """Cut a window of `size` out of an image at a random position; of a smaller image, a window of the same ratio."""
    scale = max(1.0, size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(side / scale)) for side in size)
    draw = Random(seed).random
    left, top = int(draw() * (image.width - width + 1)), int(draw() * (image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def _pad(image: Image, size: tuple[int, int]) -> Image:
    """Resize an image L or RGB so that it fits into `size`, and put it into the middle of white."""
    from PIL import Image as images

    scale = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(side * scale)) for side in image.size)
    padded = images.new(image.mode, size, "white")
    small = image.resize((width, height), images.Resampling.LANCZOS)
    padded.paste(small, ((size[0] - width) // 2, (size[1] - height) // 2))
    return padded


def flatten_image(image: Image) -> Image:
    """Convert an image of any mode to L or RGB, with transparent pixels on white."""
    from PIL import Image as images

    if image.mode == "F" or image.mode.startswith("I"):
        return _convert_to_eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        image = images.alpha_composite(images.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _convert_to_eight_bits(image: Image) -> Image:
    """Convert an image of 16 or 32 bits, integers or floats, to L.

    Values are scaled from the smallest usual range that contains them: 0 to 1 for floats, 0 to 255, or 0 to 65535.
    Values of 16 bits are always scaled from their whole range. Values outside of all these ranges are scaled from
    their own minimum and maximum.
    """
    import numpy as np
    from PIL.Image import fromarray

    values: NDArray[Any] = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("has values that are not finite")
    low, high = float(values.min()), float(values.max())
    usual = {"F": (1, 255, 65535), "I": (255, 65535)}.get(image.mode, (65535,))
    low, high = next(((0, top) for top in usual if low >= 0 and high <= top), (low, high))
    return fromarray(np.rint((values - low) * (255 / ((high - low) or 1))).astype(np.uint8))
