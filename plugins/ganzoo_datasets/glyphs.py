"""`glyphs`: characters of TrueType and OpenType fonts."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ganzoo.plugin import DataInfo, Item, NotFound, UsageError
from ganzoo_datasets.specs.made import GlyphsOptions, glyphs_shape

INCLUDED = "included"  # in the place of a path: the font that Pillow has
SUFFIXES = (".ttf", ".otf", ".ttc")
SYSTEM = {
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}
ELSEWHERE = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
SCALE = 4  # characters are drawn in this many times the size, then resized
UNASSIGNED = "\U0010ffff"  # no font has it: fonts draw a box in its place


class Glyphs:
    """Images of characters, black on white, uint8 ``[1, size, size]``; the character is the class.

    Characters that a font does not have are left out.

    Args:
        options: The characters, the fonts, and the number and size of images.

    Raises:
        UsageError: There are no characters, or one is given twice.
        NotFound: The folder of fonts has no font with these characters.
    """

    def __init__(self, options: GlyphsOptions) -> None:
        self._characters = tuple(options.characters)
        if not self._characters or len(set(self._characters)) < len(self._characters):
            raise UsageError(f"dataset.characters={options.characters!r}: name at least one character, each once")
        self._copies, self._size = options.copies, options.size
        fonts = _list_fonts(options.fonts)
        self._drawn = [(font, each) for font in fonts for each in _list_known(font, self._characters)]
        missing = set(self._characters) - {character for _, character in self._drawn}
        if missing:
            raise NotFound(
                f"dataset.fonts={options.fonts}: no font has {''.join(sorted(missing))!r}: remove it from "
                "dataset.characters, or name a folder of .ttf files that have it"
            )
        self.info = DataInfo(
            shape=glyphs_shape(options),
            num_classes=len(self._characters),
            num_items=self._copies * len(self._drawn),
            meta={"classes": list(self._characters)},
        )

    def items(self) -> list[Item]:
        """Return an item for each copy of each character of each font."""
        return [
            Item(
                name=f"{Path(font).stem} {character} {copy}",
                load=partial(draw_character, font, character, self._size, copy),
                label=self._characters.index(character),
                stamp="" if font == INCLUDED else str(os.stat(font).st_mtime_ns),
            )
            for font, character in self._drawn
            for copy in range(self._copies)
        ]


def draw_character(font: str, character: str, size: int, copy: int = 0) -> NDArray[np.uint8]:
    """Draw a character in the middle of a white image ``[1, size, size]``.

    Args:
        font: The path of the font.
        character: The character to be drawn, one of a font.
        size: Height and width in pixels.
        copy: 0 for an upright character; other numbers turn it by up to 12 degrees, move it and scale it.
    """
    draw = Random(f"{Path(font).name} {character} {copy}").uniform
    turn, scale, across, down = (draw(*each) if copy else sum(each) / 2 for each in
                                 ((-12, 12), (0.55, 0.85), (-0.06, 0.06), (-0.06, 0.06)))  # fmt: skip
    side = SCALE * size
    image = Image.new("L", (side, side), 255)
    face = _open_font(font, round(scale * side))
    place = (side * (0.5 + across), side * (0.5 + down))
    left, top, right, bottom = face.getbbox(character)
    ImageDraw.Draw(image).text(
        (place[0] - (left + right) / 2, place[1] - (top + bottom) / 2), character, fill=0, font=face
    )
    image = image.rotate(turn, Image.Resampling.BICUBIC, fillcolor=255)
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))[None]


@lru_cache(maxsize=64)
def _read_font(font: str) -> bytes:
    return Path(font).read_bytes()


def _open_font(font: str, points: int) -> Any:
    if font == INCLUDED:
        return ImageFont.load_default(points)
    return ImageFont.truetype(io.BytesIO(_read_font(font)), points)


def _list_fonts(where: str) -> list[str]:
    """Return the paths of the fonts, sorted; Pillow's own comes first."""
    if where == INCLUDED:
        return [INCLUDED]
    if where == "installed":
        folders = SYSTEM.get(sys.platform, ELSEWHERE)
        return [INCLUDED, *sorted(font for folder in folders for font in _find_fonts(Path(folder).expanduser()))]
    fonts = sorted(_find_fonts(Path(where).expanduser()))
    if not fonts:
        raise NotFound(f"dataset.fonts: {where!r} has no .ttf or .otf files: name a folder of fonts, or `included`")
    return fonts


def _find_fonts(folder: Path) -> Iterator[str]:
    return (str(path) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _list_known(font: str, characters: tuple[str, ...]) -> list[str]:
    """Return the characters that a font has; none of a font that cannot be read."""
    try:
        face = _open_font(font, 32)
        box = face.getmask(UNASSIGNED)
        masks = {character: face.getmask(character) for character in characters}
    except (OSError, ValueError):
        return []
    blank = (bytes(box), box.size)
    return [each for each, mask in masks.items() if any(bytes(mask)) and (bytes(mask), mask.size) != blank]
