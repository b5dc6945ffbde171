"""`tiles`: the tiles of Dungeon Crawl Stone Soup, from the archive of its source or its unpacked folder."""

from __future__ import annotations

import lzma
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ganzoo.plugin import Corrupt, UsageError, read_image
from ganzoo_datasets.labels import number_classes
from ganzoo_datasets.pixels import Pixels, resize_planes
from ganzoo_datasets.places import find_data
from ganzoo_datasets.specs.batches import TilesOptions, rgb_shape

SIDE = 32
TOP = ("rltiles", "source")  # the folder of the tiles, and the one that it is in
LARGEST = 1 << 20  # bytes of one file
WAYS = (
    "type `apt-get source --download-only crawl` (Debian, with a deb-src line; its crawl_*.orig.tar.xz is enough), or "
    "`git clone https://github.com/crawl/crawl`, and set dataset.path=FILE or FOLDER"
)


class Tiles:
    """The different tiles of 32x32 pixels on white: `data` uint8 ``[N, 3, size, size]``, `labels` int64 ``[N]``.

    Tiles of other sizes are ignored. Of equal tiles the first is used. The folder of the first level is the class.

    Args:
        options: The archive or folder, the folders whose tiles are used, and the size.

    Raises:
        NotFound: The files are not there.
        UsageError: A folder of tiles is not there.
        Corrupt: The archive is damaged.
    """

    def __init__(self, options: TilesOptions) -> None:
        files = find_data("tiles", options.path, ("crawl", "rltiles"), _find_files, WAYS)
        known = {name.parts[0] for name in files if len(name.parts) > 1}
        for missing in set(options.folders) - known:
            raise UsageError(f"dataset.folders: there is no {missing!r}: name some of {', '.join(sorted(known))}")
        wanted = [name for name in sorted(files, key=_rank) if name.parts[0] in (options.folders or known)]
        tiles = {name: pixels for name in wanted if (pixels := _read_tile(name, files[name])) is not None}
        different = {pixels.tobytes(): name for name, pixels in reversed(tiles.items())}
        names = sorted(different.values())
        if not names:
            raise Corrupt(f"there are no tiles of 32x32 pixels in {options.path!r}: {WAYS}")
        labels = number_classes([name.parts[0] for name in names])
        self.data = resize_planes(np.stack([tiles[name] for name in names]), options.size)
        self.labels = np.array(labels.numbers, np.int64)
        self.info = labels.describe(rgb_shape(options))


def _rank(name: PurePath) -> tuple[bool, PurePath]:
    """Return the place of a tile among equal ones: those that the game does not use come last."""
    return name.parts[0] == "UNUSED", name


def _find_files(place: Path) -> Mapping[PurePath, bytes] | None:
    """Return the contents of the PNG files below ``rltiles``, by their names there; None if there is none."""
    archives = [place] if place.is_file() else sorted(place.glob("crawl_*.orig.tar.xz"))
    folders = [place] if place.name == TOP[0] else [*place.glob("rltiles"), *place.glob("source/rltiles")]
    folders += [*place.glob("*/source/rltiles")]
    if folders and not place.is_file():
        paths = [path for path in folders[0].rglob("*.png") if not path.name.startswith(".")]
        return {path.relative_to(folders[0]): path.read_bytes() for path in paths} or None
    return dict(_read_archive(archives[0])) or None if archives else None


def _read_archive(path: Path) -> Iterator[tuple[PurePath, bytes]]:
    """Yield names and contents of the PNG files below ``rltiles`` in an archive. Nothing is written anywhere."""
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = PurePath(member.name)
                if TOP[0] not in name.parts or name.suffix != ".png" or name.name.startswith(".") or not member.isreg():
                    continue
                content = archive.extractfile(member) if member.size <= LARGEST else None
                if content is not None:
                    yield PurePath(*name.parts[name.parts.index(TOP[0]) + 1 :]), content.read()
    except (tarfile.TarError, OSError, EOFError, lzma.LZMAError) as error:
        raise Corrupt(f"{str(path)!r} is cut or damaged ({error}): download it again") from error


def _read_tile(name: PurePath, content: bytes) -> Pixels | None:
    """Return a tile ``[3, 32, 32]``; None for an image of another size."""
    try:
        pixels = read_image(content)
    except Exception as error:  # Pillow has many errors
        raise Corrupt(f"{name.as_posix()!r} is not an image ({error}): get the tiles again") from error
    return pixels if pixels.shape[1:] == (SIDE, SIDE) else None


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write eight tiles in two folders, and return the options that open them."""
    for number in range(8):
        image = Image.new("RGBA", (SIDE, SIDE))
        ImageDraw.Draw(image).rectangle((4, 4, 12 + 2 * number, 27), fill=(30 * number, 90, 0, 255))
        path = folder / "rltiles" / ("item", "mon")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    return {"path": str(folder)}
