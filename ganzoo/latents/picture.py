"""Pictures of samples in rows and columns, which say what they show and how they were made."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin
from safetensors.numpy import save
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.package.generator import Generator
from ganzoo.plugin.files import write_atomic
from ganzoo.runs.display import PICTURES
from ganzoo.samples import grid

CELL = 96  # pixels: smaller samples are enlarged to at most this width, by a whole factor
GAP = 4  # pixels between cells
TEXT = 14  # pixels: the height of a line of text
ARRAYS = (".npz", ".safetensors")  # suffixes of files of arrays
DESCRIPTION = "Description"  # the name of a PNG's text that says how the picture was made
EXIF_DESCRIPTION = 0x010E

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of samples. A notebook shows it.

    Args:
        image: The picture itself, a PIL image.
        words: One line that says what it shows and which seeds made it. A file of it contains the line too.
        arrays: The numbers behind it by name, such as its latents.
    """

    image: Image.Image
    words: str
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.image.width}x{self.image.height}: {self.words}>"

    def _repr_png_(self) -> bytes:
        return self.encode(".png")

    def encode(self, suffix: str) -> bytes:
        """Return the picture as the bytes of a file of that suffix, with `words` in it."""
        return encode_described(self.image, self.words, suffix)

    def save(self, path: str | Path) -> Path:
        """Write the picture, or with ``.npz`` or ``.safetensors`` its arrays; return the path.

        Raises:
            UsageError: The suffix is of another kind.
            GanzooError: The file cannot be written.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        check_suffix(path, (*PICTURES, *(ARRAYS if self.arrays else ())))
        write_atomic(path, [encode_arrays(self.arrays, suffix) if suffix in ARRAYS else self.encode(suffix)])
        return path


def check_suffix(path: Path, suffixes: Sequence[str]) -> None:
    """Raise UsageError if a path ends in none of these suffixes."""
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"{path}: end it in {', '.join(suffixes[:-1])} or {suffixes[-1]}")


def encode_described(image: Image.Image, words: str, suffix: str) -> bytes:
    """Return a picture as the bytes of a file that also contains a line of text."""
    buffer = io.BytesIO()
    if suffix == ".png":
        image.save(buffer, "PNG", pnginfo=make_png_text(words))
    elif suffix == ".webp":
        exif = Image.Exif()
        exif[EXIF_DESCRIPTION] = words
        image.save(buffer, "WEBP", quality=95, exif=exif)
    else:
        image.save(buffer, "JPEG", quality=95, comment=words.encode())
    return buffer.getvalue()


def make_png_text(words: str) -> PngImagePlugin.PngInfo:
    """Return the text of a PNG file."""
    text = PngImagePlugin.PngInfo()
    text.add_itxt(DESCRIPTION, words)
    return text


def encode_arrays(arrays: Mapping[str, NDArray[Any]], suffix: str) -> bytes:
    """Return arrays as the bytes of an ``.npz`` or a ``.safetensors`` file."""
    if suffix == ".safetensors":
        return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    buffer = io.BytesIO()
    written: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **written)
    return buffer.getvalue()


# ----------------------------------------------------------------------------
# Rows and columns.


def require_pictures(generator: Generator, what: str) -> None:
    """Raise UsageError if a model's samples are not pictures of 1 or 3 channels; `what` needs them."""
    data = generator.data
    if data.modality != "image" or data.shape[0] not in (1, 3):
        kind = f"images of {data.shape[0]} channels" if data.modality == "image" else data.modality
        raise UsageError(f"{what} needs a model of pictures, and this model's samples are {kind}")


def to_cells(samples: Tensor) -> list[Pixels]:
    """Return images ``[n, C, H, W]`` in [-1, 1] as arrays of bytes ``[H, W, 3]``, small ones enlarged."""
    pictures = (grid.to_picture(image).convert("RGB") for image in grid.to_uint8(samples))
    return [np.asarray(grid.enlarge(picture, CELL)) for picture in pictures]


def draw_table(
    rows: Sequence[Sequence[Pixels | None]],
    titles: Sequence[str] = (),
    heads: Sequence[str] = (),
    captions: Sequence[Sequence[str]] = (),
) -> Image.Image:
    """Return a picture of cells in rows and columns, with texts.

    Args:
        rows: The cells of each row, all of one size; None for an empty cell.
        titles: A text to the left of each row.
        heads: A text above each column.
        captions: A text below each cell, by row.
    """
    font = ImageFont.load_default(TEXT - 3)
    first = next(cell for row in rows for cell in row if cell is not None)
    height, width = first.shape[:2]
    side = max((int(font.getlength(title)) for title in titles), default=-GAP) + 2 * GAP
    top = GAP + (TEXT if heads else 0)
    step_x, step_y = width + GAP, height + GAP + (TEXT if captions else 0)
    whole = Image.new("RGB", (side + step_x * max(map(len, rows)), top + step_y * len(rows)), "white")
    draw = ImageDraw.Draw(whole)
    for column, text in enumerate(heads):
        draw.text((side + column * step_x, 1), text, "black", font)
    for number, row in enumerate(rows):
        y = top + number * step_y
        if titles:
            draw.text((GAP, y + (height - TEXT) // 2), titles[number], "black", font)
        for column, cell in enumerate(row):
            x = side + column * step_x
            if cell is not None:
                whole.paste(Image.fromarray(cell), (x, y))
            if captions:
                draw.text((x, y + height), captions[number][column], "black", font)
    return whole
