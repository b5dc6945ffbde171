"""Options and spec of `pairs`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option
from ganzoo_datasets.specs.images import CROP_HELP, STRICT_HELP


@dataclass(frozen=True, kw_only=True)
class PairsOptions:
    """Options of `pairs`."""

    path: str = option("", help="Path of the images that are generated; or of a folder with two folders, A and B.")
    inputs: str = option(
        "", help="Path of the images to translate, the labels; empty for the folder A in dataset.path."
    )
    aligned: bool = option(True, help="Whether images of the same name belong together; false for two separate sets.")
    halves: Literal["none", "left", "right"] = option(
        "none", help="The half of each image of dataset.path that is the input, if both stand side by side."
    )
    size: int = option(64, help="Height and width of the generated images in pixels.", low=8, high=4096)
    input_size: int | None = option(None, help="Height and width of the inputs in pixels; none for size.", low=4)
    channels: Literal[1, 3] = option(3, help="Number of channels of the generated images: 1 for grey, 3 for colour.")
    input_channels: Literal[1, 3] = option(3, help="Number of channels of the inputs: 1 for grey, 3 for colour.")
    crop: Literal["centre", "pad", "random"] = option("centre", help=CROP_HELP)
    strict: bool = option(False, help=STRICT_HELP)


def pairs_shape(options: PairsOptions) -> tuple[int, int, int]:
    """Return the shape of the generated images: channels, height, width."""
    return options.channels, options.size, options.size


def list_pairs() -> Iterator[Dataset]:
    """Yield `pairs`."""
    yield Dataset(
        name="pairs",
        summary="Two folders of images, one of which is translated to the other; aligned by name, or not.",
        factory="ganzoo_datasets.pairs:Pairs",
        options=PairsOptions,
        similar_to=dict.fromkeys(
            ("pix2pix", "cyclegan", "edges2shoes", "facades", "paired", "unpaired"),
            "--dataset pairs dataset.path=FOLDER",
        ),
        image_shape=pairs_shape,
        path_option="path",
        opens_paths=False,
        examples="ganzoo_datasets.pairs:examples",
    )
