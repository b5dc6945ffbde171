"""Images as pictures: grids, with gaps that make small images readable, and files of them."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

GAP = 2  # pixels between tiles, before enlargement
BACKGROUND = 128
TARGET = 1024  # pixels: small grids are enlarged towards this width, by whole factors
SIDE = 8  # rows, and columns where no labels order them
MAX_COLUMNS = 16  # a conditional grid has columns of one class each, where that takes no more than so many
NUM_SHOWN = 64  # samples that are taken in one by one


def to_uint8(samples: Tensor) -> NDArray[np.uint8]:
    """Return images ``[N, C, H, W]`` in [-1, 1] as ``[N, H, W, C]`` bytes."""
    scaled = samples.float().add(1).mul(127.5).round().clamp(0, 255)
    result: NDArray[np.uint8] = scaled.permute(0, 2, 3, 1).byte().cpu().numpy()
    return result


def tile(images: NDArray[np.uint8], columns: int | None = None) -> Image.Image:
    """Lay images ``[N, H, W, C]`` out row by row, by default in a square."""
    num, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(num))
    rows = math.ceil(num / columns)
    shape = (rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels)
    canvas = np.full(shape, BACKGROUND, dtype=np.uint8)
    for index, image in enumerate(images):
        top = GAP + index // columns * (height + GAP)
        left = GAP + index % columns * (width + GAP)
        canvas[top : top + height, left : left + width] = image
    whole = to_picture(canvas)
    factor = max(1, TARGET // whole.width)
    return whole.resize((whole.width * factor, whole.height * factor), Image.Resampling.NEAREST)


def choose_columns(num_classes: int) -> int:
    """Return how many columns a grid has: about `SIDE`, a multiple of the classes where they are few.

    Sample i of a conditional grid has label i modulo the number of classes, so each column is of one class.
    """
    return num_classes * max(1, SIDE // num_classes) if 0 < num_classes <= MAX_COLUMNS else SIDE


def to_picture(image: NDArray[np.uint8]) -> Image.Image:
    """Return one image ``[H, W, C]`` as a picture."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def encode_picture(picture: Image.Image, suffix: str = ".png") -> bytes:
    """Return a picture as the bytes of a file with that suffix."""
    buffer = io.BytesIO()
    if suffix in (".jpg", ".jpeg") and picture.mode == "RGBA":  # such a file holds no transparency
        picture = picture.convert("RGB")
    picture.save(buffer, Image.registered_extensions()[suffix], quality=95)
    return buffer.getvalue()
