"""`emoji`: the images of the npm packages emoji-datasource-google and -twitter, by category."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

from ganzoo.plugin import Corrupt, DataInfo, Item, read_image
from ganzoo_datasets.places import find_data
from ganzoo_datasets.specs.emoji import EmojiOptions, emoji_shape

TONES = "Component"  # the category of the skin tones themselves


class Picture(NamedTuple):
    """An emoji's file, and its category."""

    path: Path
    category: str


class Emoji:
    """The emoji in the order of Unicode's list, on white; labels are their categories, sorted by name.

    Args:
        options: The folder, vendor and size, and whether variations of skin tones are included.

    Raises:
        NotFound: The files are not there.
        Corrupt: The list of the emoji is damaged.
    """

    def __init__(self, options: EmojiOptions) -> None:
        package = f"emoji-datasource-{options.vendor}"
        ways = (
            f"type `npm install {package}@16` here, or unpack the file of `npm pack {package}@16` and set "
            "dataset.path=FOLDER"
        )
        listed = find_data(
            "emoji", options.path, (f"node_modules/{package}",), partial(_find_list, options.vendor), ways
        )
        self._images = listed.parent / "img" / options.vendor / "64"
        self._pictures = list(_read_list(listed, self._images, options.vendor, options.skin_tones))
        if not self._pictures:
            raise Corrupt(f"{str(listed)!r} names no images: type `npm install {package}@16` again")
        self._size = options.size
        categories = sorted({picture.category for picture in self._pictures})
        self.info = DataInfo(
            shape=emoji_shape(options),
            num_classes=len(categories),
            num_items=len(self._pictures),
            meta={"classes": categories},
        )

    def items(self) -> list[Item]:
        """Return one item for each emoji."""
        numbers = {name: number for number, name in enumerate(self.info.class_names)}
        return [
            Item(
                name=picture.path.name,
                load=partial(read_image, picture.path, size=(self._size, self._size)),
                label=numbers[picture.category],
                stamp=_make_stamp(picture.path),
            )
            for picture in self._pictures
        ]


def _find_list(vendor: str, folder: Path) -> Path | None:
    """Return the list of the emoji in a package's folder, if the images of this vendor are beside it."""
    for inside in (folder, folder / "package", folder / "node_modules" / f"emoji-datasource-{vendor}"):
        if (inside / "emoji.json").is_file() and (inside / "img" / vendor / "64").is_dir():
            return inside / "emoji.json"
    return None


def _read_list(listed: Path, images: Path, vendor: str, skin_tones: bool) -> Iterator[Picture]:
    """Yield the emoji that the vendor drew, each followed by its variations if these are wanted."""
    try:
        emoji = json.loads(listed.read_text(encoding="utf-8"))
        for entry in emoji:
            if entry["category"] == TONES and not skin_tones:
                continue
            variations = entry.get("skin_variations", {}).values() if skin_tones else ()
            for each in (entry, *variations):
                if each[f"has_img_{vendor}"]:
                    yield Picture(images / Path(each["image"]).name, entry["category"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"{str(listed)!r} is not the list of emoji-datasource ({error!r}): install it again") from error


def _make_stamp(path: Path) -> str:
    """Return a file's size and time of change; empty if it is missing."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


# ----------------------------------------------------------------------------
# An example.


def examples(folder: Path) -> dict[str, Any]:
    """Write eight emoji of two categories to a folder, with npm's list, and return the options that open it."""
    images = folder / "img" / "google" / "64"
    images.mkdir(parents=True)
    listed = []
    for number in range(8):
        image = Image.new("RGBA", (64, 64))
        ImageDraw.Draw(image).ellipse((8, 8, 40 + number, 56), fill=(200, 30 * number, 0))
        image.save(images / f"{number}.png")
        category = ("Objects", "Symbols")[number % 2]
        listed.append({"image": f"{number}.png", "category": category, "has_img_google": True})
    (folder / "emoji.json").write_text(json.dumps(listed), encoding="utf-8")
    return {"path": str(folder), "size": 32}
