"""The files of a run that show samples: which of them a page shows, and how each becomes HTML."""

from __future__ import annotations

import base64
import csv
import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganzoo.report.markup import make_table, quote
from ganzoo.runs.display import PICTURES, TEXTS

SHOWN = re.compile(r"(?:reals|neighbours|fakes-(\d{9,18}))\.\w+")  # files that show samples
SOUND = ".wav"
MOST_FRAMES, MOST_SOUNDS, FEWEST_FRAMES = 24, 6, 4  # of one run in a page
PAGE_BYTES = 3_000_000  # of all files that a page contains; base64 makes a third more of them
FEWEST_BYTES = 40_000  # that each file may have, however many there are
MOST_CHARACTERS, MOST_ROWS = 4_000, 40  # of a text or a table that is shown
MORE = '<p class="note">the file goes on</p>'
SIDE = 640  # pixels that large pictures are made smaller to
SIGNATURE = b"\x89PNG\r\n\x1a\n"

Source = Callable[[Path], str]  # the address of a file in the page; raises UnreadableError


class UnreadableError(Exception):
    """A file that cannot be shown, and why in words."""


@dataclass(frozen=True)
class Frame:
    """The files that show samples after so many images."""

    images: int
    files: tuple[Path, ...]


def find_frames(folder: Path) -> list[Frame]:
    """Return the frames of a run, oldest first."""
    found: dict[int, list[Path]] = {}
    for path in sorted(folder.glob("fakes-*")):
        if (match := SHOWN.fullmatch(path.name)) and match[1]:
            found.setdefault(int(match[1]), []).append(path)
    return [Frame(images, tuple(_sort_files(found[images]))) for images in sorted(found)]


def find_files(folder: Path, stem: str) -> list[Path]:
    """Return the files of a run that show something else: ``reals`` or ``neighbours``."""
    return _sort_files(path for path in sorted(folder.glob(f"{stem}.*")) if SHOWN.fullmatch(path.name))


def choose_frames(frames: Sequence[Frame], num: int) -> list[Frame]:
    """Return at most so many frames at even distances, with the first and the last one."""
    if len(frames) <= num:
        return list(frames)
    return [frames[round(number * (len(frames) - 1) / (num - 1))] for number in range(num)]


def has_sounds(frames: Sequence[Frame]) -> bool:
    """Return whether the last frame has a sound."""
    return bool(frames) and any(path.suffix == SOUND for path in frames[-1].files)


def _sort_files(paths: Sequence[Path] | Iterator[Path]) -> list[Path]:
    """Return files in the order in which they are shown: pictures first."""
    return sorted(paths, key=lambda path: (path.suffix not in PICTURES, path.suffix))


# ----------------------------------------------------------------------------
# HTML.


def show_file(path: Path, source: Source, alt: str) -> str:
    """Return HTML that shows a file as what it is: a picture, a sound, a table or text; a sentence if it is damaged.

    Args:
        path: The path of the file.
        source: Returns the address of a picture or a sound.
        alt: What the file shows, in words.
    """
    try:
        if path.suffix in PICTURES:
            return f'<img alt="{quote(alt)}" src="{quote(source(path))}">'
        if path.suffix == SOUND:
            return f'<audio controls preload="metadata" aria-label="{quote(alt)}" src="{quote(source(path))}"></audio>'
        if path.suffix in TEXTS:
            return _show_text(path)
    except UnreadableError as error:
        return f'<p class="note">{quote(path.name)} {quote(error)}</p>'
    return f'<p class="note">{quote(path.name)} is not shown here: open the file</p>'


def _show_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(4 * MOST_CHARACTERS + 1)
    except OSError as error:
        raise UnreadableError(_describe(error)) from None
    text = content.decode(errors="replace")
    cut = len(text) > MOST_CHARACTERS
    more = MORE if cut else ""
    shown = text[:MOST_CHARACTERS]
    if path.suffix == ".txt":
        return _show_lines(shown) + more
    if cut:
        shown = shown[: shown.rfind("\n") + 1] or shown
    try:
        rows = list(csv.reader(io.StringIO(shown), delimiter="\t" if path.suffix == ".tsv" else ","))
    except csv.Error:
        return _show_lines(shown) + more
    more = more or (MORE if len(rows) > MOST_ROWS else "")
    cells = [[quote(cell) for cell in row] for row in rows[:MOST_ROWS]]
    return (make_table(cells[0], cells[1:], path.name) if cells else "") + more


def _show_lines(text: str) -> str:
    lines = "\n".join(quote(line) for line in text.splitlines())
    return f'<pre tabindex="0">{lines}</pre>'


# ----------------------------------------------------------------------------
# Files inside a page.


def embed_within(most: int) -> Source:
    """Return a function that puts a file into the page.

    Args:
        most: The largest number of bytes of a file. Larger pictures are made smaller; larger sounds are left out.
    """

    def embed(path: Path) -> str:
        try:
            size = path.stat().st_size
            if path.suffix == SOUND and size > most:
                raise UnreadableError(f"has {size / 2**20:,.1f} MiB: open the file to hear it")
            if path.suffix in PICTURES and size > most:
                return _encode("jpeg", _shrink(path), "image")
            content = path.read_bytes()
        except OSError as error:
            raise UnreadableError(_describe(error)) from None
        if path.suffix == ".png" and not is_whole_png(content):
            raise UnreadableError("is damaged")
        if path.suffix == SOUND:
            return _encode("wav", content, "audio")
        return _encode(PICTURES[path.suffix], content, "image")

    return embed


def is_whole_png(content: bytes) -> bool:
    """Return whether a PNG has all its parts, unchanged. Its pixels are not decoded."""
    if not content.startswith(SIGNATURE):
        return False
    place = len(SIGNATURE)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        end = place + 12 + length
        if end > len(content) or struct.pack(">I", zlib.crc32(content[place + 4 : end - 4])) != content[end - 4 : end]:
            return False
        if content[place + 4 : place + 8] == b"IEND":
            return True
        place = end
    return False


def _shrink(path: Path) -> bytes:
    """Return a large picture as a smaller JPEG."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            small = picture.convert("RGB")
            small.thumbnail((SIDE, SIDE))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, UnidentifiedImageError):
        raise UnreadableError("is damaged") from None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _encode(kind: str, content: bytes, family: str) -> str:
    return f"data:{family}/{kind};base64,{base64.b64encode(content).decode()}"


def _describe(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
