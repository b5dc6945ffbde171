"""Options and spec of `emoji`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option


@dataclass(frozen=True, kw_only=True)
class EmojiOptions:
    """Options of `emoji`."""

    path: str = option("", help="Path of the folder that npm made; empty for node_modules in the current folder.")
    vendor: Literal["google", "twitter", "apple", "facebook"] = option(
        "google", help="Whose images; google's and twitter's have free licences."
    )
    categories: tuple[str, ...] = option((), help="Categories whose emoji are used: Flags,Objects; none for all.")
    skin_tones: bool = option(False, help="Whether variations of a skin tone are included, and the tones themselves.")
    size: int = option(64, help="Height and width in pixels; 64 is the size in the files.", low=8, high=1024)


def emoji_shape(options: EmojiOptions) -> tuple[int, int, int]:
    """Return the shape of the images: channels, height, width."""
    return 3, options.size, options.size


def list_emoji() -> Iterator[Dataset]:
    """Yield `emoji`."""
    yield Dataset(
        name="emoji",
        summary="1,906 emoji of 64x64 pixels in 9 categories, 3,786 with skin tones; a package of npm has them.",
        factory="ganzoo_datasets.emoji:Emoji",
        options=EmojiOptions,
        similar_to=dict.fromkeys(("emojis", "noto", "twemoji"), "--dataset emoji"),
        image_shape=emoji_shape,
        path_option="path",
        opens_paths=False,
        examples="ganzoo_datasets.emoji:examples",
        license="apache-2.0",
    )
