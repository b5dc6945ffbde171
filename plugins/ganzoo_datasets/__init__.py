"""Datasets that need no download: the bundled `digits`, and `folder` for one's own images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import DataInfo, Dataset, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class DigitsOptions:
    """Options of `digits`."""

    size: int = option(32, help="Height and width in pixels.", low=8, high=1024)


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Options of `folder`."""

    path: str = option("", help="The folder of images; --dataset PATH sets it.")
    size: int = option(
        32, help="Height and width in pixels; images are cropped to a square, then resized.", low=8, high=4096
    )
    channels: int = option(3, help="1 for grey, 3 for colour.", low=1, high=3)
    strict: bool = option(False, help="Stop at a file that cannot be read; else it is named and skipped.")


def digits_info(options: DigitsOptions) -> DataInfo:
    """Return what `digits` is at the size asked for."""
    return DataInfo(shape=(1, options.size, options.size), num_classes=10, num_items=1797)


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the datasets."""
    yield Dataset(
        name="digits",
        summary="1,797 handwritten digits, bundled: trains at once, offline.",
        paper='E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", '
        "UCI Machine Learning Repository, 1998, doi:10.24432/C50P49, CC BY 4.0",
        factory="ganzoo_datasets.digits:Digits",
        options=DigitsOptions,
        info=digits_info,
        default=True,
    )
    yield Dataset(
        name="folder",
        summary="A folder of images, with classes where it has sub-folders.",
        factory="ganzoo_datasets.folder:Folder",
        options=FolderOptions,
        path_option="path",
    )
