"""Options and spec of `folder`, for your own images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option
from ganzoo_datasets.specs.images import CROP_HELP, STRICT_HELP

PICTURES = ("anime", "imagefolder", "image-folder", "images", "photos")


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Options of `folder`."""

    path: str = option("", help="Path of the folder of images, or of a .zip or .tar; --dataset PATH sets it.")
    size: int = option(32, help="Height and width in pixels.", low=8, high=4096)
    width: int | None = option(
        None, help="Width in pixels, for images that are not square; none for size.", low=8, high=4096
    )
    channels: int = option(3, help="Number of channels: 1 for grey, 3 for colour.", low=1, high=3)
    crop: Literal["centre", "pad", "random"] = option("centre", help=CROP_HELP)
    crops: int = option(1, help="Number of random crops of each image, for few large images.", low=1, high=10_000)
    labels: Literal["auto", "folders", "none"] = option(
        "auto",
        help="Where labels come from: labels.csv or dataset.json at the top if there is one, else sub-folders.",
    )
    label: str = option("", help="The column of labels.csv with the labels; empty for 'label' and the like.")
    strict: bool = option(False, help=STRICT_HELP)


def folder_shape(options: FolderOptions) -> tuple[int, int, int]:
    """Return the shape of the images of `folder`: channels, height, width."""
    return options.channels, options.size, options.width or options.size


def list_folders() -> Iterator[Dataset]:
    """Yield `folder`."""
    yield Dataset(
        name="folder",
        summary="A folder, .zip or .tar of images; its sub-folders, labels.csv or dataset.json are classes.",
        factory="ganzoo_datasets.folder:Folder",
        options=FolderOptions,
        similar_to=dict.fromkeys(PICTURES, "--dataset PATH, where PATH is a folder with its pictures"),
        image_shape=folder_shape,
        label_rule="its sub-folders are the classes if every image is in a sub-folder and there are at least two, or "
        "labels.csv names the class of each image",
        path_option="path",
        examples="ganzoo_datasets.folder:examples",
    )
