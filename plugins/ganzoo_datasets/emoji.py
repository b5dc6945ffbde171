"""`emoji`: the images of the npm packages emoji-datasource-google and -twitter, by category."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from PIL import Image, ImageDraw

from ganzoo.plugin import Corrupt, UsageError
from ganzoo_datasets.labels import number_classes
from ganzoo_datasets.listing import open_file
from ganzoo_datasets.pictures import Pictures
from ganzoo_datasets.places import find_data
from ganzoo_datasets.specs.emoji import EmojiOptions, emoji_shape

TONES = "Component"  # the category of the skin tones themselves


class Emoji(Pictures):
    """The emoji in the order of Unicode's list, on white; labels are their categories, sorted by name.

    Args:
        options: The folder, vendor, categories and size, and whether variations of skin tones are included.

    Raises:
        NotFound: The files are not there.
        UsageError: There is no category of a name.
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
        images = listed.parent / "img" / options.vendor / "64"
        drawn = list(_read_list(listed, options.vendor, options.skin_tones))
        if not drawn:
            raise Corrupt(f"{str(listed)!r} names no images: type `npm install {package}@16` again")
        known = {category for _, category in drawn}
        for missing in set(options.categories) - known:
            raise UsageError(f"dataset.categories: there is no {missing!r}: name some of {', '.join(sorted(known))}")
        drawn = [(name, category) for name, category in drawn if category in (options.categories or known)]
        files = [open_file(images / name, PurePath(name)) for name, _ in drawn]
        super().__init__(files, number_classes([category for _, category in drawn]), emoji_shape(options))


def _find_list(vendor: str, folder: Path) -> Path | None:
    """Return the list of the emoji in a package's folder, if the images of this vendor are beside it."""
    for inside in (folder, folder / "package", folder / "node_modules" / f"emoji-datasource-{vendor}"):
        if (inside / "emoji.json").is_file() and (inside / "img" / vendor / "64").is_dir():
            return inside / "emoji.json"
    return None


def _read_list(listed: Path, vendor: str, skin_tones: bool) -> Iterator[tuple[str, str]]:
    """Yield file and category of each emoji that the vendor drew, followed by its variations if these are wanted."""
    try:
        for entry in json.loads(listed.read_text(encoding="utf-8")):
            if entry["category"] == TONES and not skin_tones:
                continue
            variations = entry.get("skin_variations", {}).values() if skin_tones else ()
            for each in (entry, *variations):
                if each[f"has_img_{vendor}"]:
                    yield Path(each["image"]).name, entry["category"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"{str(listed)!r} is not the list of emoji-datasource ({error!r}): install it again") from error


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
