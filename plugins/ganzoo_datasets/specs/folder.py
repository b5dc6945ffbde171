"""Options and spec of `folder`, for your own images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Dataset, option

PICTURES = (
    "cifar10", "cifar100", "stl10", "svhn", "celeba", "celeba-hq", "ffhq", "afhq", "lsun", "imagenet", "tiny-imagenet",
    "flowers", "anime", "imagefolder", "image-folder", "images", "photos",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Options of `folder`."""

    path: str = option("", help="Path of the folder of images; --dataset PATH sets it.")
    size: int = option(
        32, help="Height and width in pixels; images are cropped at the centre, then resized.", low=8, high=4096
    )
    width: int | None = option(
        None, help="Width in pixels, for images that are not square; none for size.", low=8, high=4096
    )
    channels: int = option(3, help="Number of channels: 1 for grey, 3 for colour.", low=1, high=3)
    strict: bool = option(False, help="Whether an unreadable file is an error; else it is reported and skipped.")


def folder_shape(options: FolderOptions) -> tuple[int, int, int]:
    """Return the shape of the images of `folder`: channels, height, width."""
    return options.channels, options.size, options.width or options.size


def list_folders() -> Iterator[Dataset]:
    """Yield `folder`."""
    yield Dataset(
        name="folder",
        summary="A folder of images; its sub-folders are classes.",
        factory="ganzoo_datasets.folder:Folder",
        options=FolderOptions,
        similar_to=dict.fromkeys(PICTURES, "--dataset PATH, where PATH is a folder with its pictures"),
        image_shape=folder_shape,
        label_rule="its sub-folders are the classes if every image is in a sub-folder and there are at least two",
        path_option="path",
        examples="ganzoo_datasets.folder:examples",
    )
