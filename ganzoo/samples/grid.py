"""Images as pictures: grids with gaps between the images, and picture files."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

GAP = 2  # pixels between tiles, before enlargement
BACKGROUND = 128
TARGET = 1024  # pixels: small grids are enlarged to at most this width, by a whole factor
SIDE = 8  # rows of a grid; also its columns where samples are not ordered by class
MAX_COLUMNS = 16  # with at most this many classes, each column of a grid shows one class
NUM_SHOWN = 64  # samples that a grid shows by default


def to_uint8(samples: Tensor) -> NDArray[np.uint8]:
    """Return images ``[N, C, H, W]`` in [-1, 1] as uint8 ``[N, H, W, C]``."""
    scaled = samples.float().add(1).mul(127.5).round().clamp(0, 255)
    result: NDArray[np.uint8] = scaled.permute(0, 2, 3, 1).byte().cpu().numpy()
    return result


def tile(images: NDArray[np.uint8], columns: int | None = None) -> Image.Image:
    """Return a grid of images ``[N, H, W, C]``, row by row; by default about square."""
    num, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(num))
    rows = math.ceil(num / columns)
    shape = (rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels)
    canvas = np.full(shape, BACKGROUND, dtype=np.uint8)
    for index, image in enumerate(images):
        top = GAP + index // columns * (height + GAP)
        left = GAP + index % columns * (width + GAP)
        canvas[top : top + height, left : left + width] = image
    return enlarge(to_picture(canvas))


def enlarge(picture: Image.Image, width: int = TARGET) -> Image.Image:
    """Return a picture enlarged by a whole factor, to at most `width` pixels; a wider picture as it is."""
    factor = max(1, width // picture.width)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def choose_columns(num_classes: int) -> int:
    """Return the number of columns of a grid: about `SIDE`; where classes are few, a multiple of their number.

    Sample i of a conditional grid has label i modulo the number of classes, so each column shows one class.
    """
    return num_classes * max(1, SIDE // num_classes) if 0 < num_classes <= MAX_COLUMNS else SIDE


def to_picture(image: NDArray[np.uint8]) -> Image.Image:
    """Return one image, uint8 ``[H, W, C]``, as a PIL image."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def encode_picture(picture: Image.Image, suffix: str = ".png") -> bytes:
    """Return a picture as the bytes of a file in the format of a suffix."""
    buffer = io.BytesIO()
    if suffix in (".jpg", ".jpeg") and picture.mode == "RGBA":  # JPEG has no transparency
        picture = picture.convert("RGB")
    picture.save(buffer, Image.registered_extensions()[suffix], quality=95)
    return buffer.getvalue()
