"""Options and specs of datasets of small images that are distributed as a few large files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option

SIZE_HELP = "Height and width in pixels; {} is the size in the files."


@dataclass(frozen=True, kw_only=True)
class Cifar10Options:
    """Options of `cifar10`."""

    path: str = option("", help="Path of the folder or of the .tar.gz with its batches; empty for the usual names.")
    split: Literal["train", "test", "all"] = option("train", help="Part of the data: 50,000 images, 10,000, or both.")
    size: int = option(32, help=SIZE_HELP.format(32), low=8, high=1024)


@dataclass(frozen=True, kw_only=True)
class Cifar100Options(Cifar10Options):
    """Options of `cifar100`."""

    labels: Literal["fine", "coarse"] = option("fine", help="Which labels: 100 fine classes or 20 coarse ones.")


@dataclass(frozen=True, kw_only=True)
class SvhnOptions:
    """Options of `svhn`."""

    path: str = option("", help="Path of the folder with its .mat files; empty for the usual names.")
    split: Literal["train", "test", "extra"] = option(
        "train", help="Part: 73,257 images, 26,032, or 531,131 easy ones."
    )
    size: int = option(32, help=SIZE_HELP.format(32), low=8, high=1024)


@dataclass(frozen=True, kw_only=True)
class Stl10Options:
    """Options of `stl10`."""

    path: str = option("", help="Path of the folder with its binary files; empty for the usual names.")
    split: Literal["train", "test", "unlabeled"] = option(
        "unlabeled", help="Part: 5,000 or 8,000 images with labels, or 100,000 without."
    )
    size: int = option(64, help=SIZE_HELP.format(96), low=8, high=1024)


@dataclass(frozen=True, kw_only=True)
class TilesOptions:
    """Options of `tiles`."""

    path: str = option("", help="Path of the source archive of the game, or of its folder; empty for the usual names.")
    folders: tuple[str, ...] = option(
        (), help="Folders whose tiles are used: dngn,item,mon,player; none for all eight."
    )
    size: int = option(32, help=SIZE_HELP.format(32), low=8, high=1024)


def rgb_shape(options: Cifar10Options | SvhnOptions | Stl10Options | TilesOptions) -> tuple[int, int, int]:
    """Return the shape of the images: channels, height, width."""
    return 3, options.size, options.size


def list_batches() -> Iterator[Dataset]:
    """Yield the datasets."""
    yield Dataset(
        name="cifar10",
        aliases=("cifar-10",),
        summary="60,000 photographs of 32x32 pixels in 10 classes, from its original batches (Krizhevsky 2009).",
        factory="ganzoo_datasets.cifar:Cifar10",
        options=Cifar10Options,
        image_shape=rgb_shape,
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.cifar:examples",
        hub="uoft-cs/cifar10",
    )
    yield Dataset(
        name="cifar100",
        aliases=("cifar-100",),
        summary="60,000 photographs of 32x32 pixels in 100 classes, from its original batches (Krizhevsky 2009).",
        factory="ganzoo_datasets.cifar:Cifar100",
        options=Cifar100Options,
        image_shape=rgb_shape,
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.cifar:examples_of_100",
        hub="uoft-cs/cifar100",
    )
    yield Dataset(
        name="svhn",
        summary="Digits of house numbers, photographs of 32x32 pixels, from its .mat files (Netzer et al. 2011).",
        factory="ganzoo_datasets.svhn:Svhn",
        options=SvhnOptions,
        image_shape=rgb_shape,
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.svhn:examples",
        hub="ufldl-stanford/svhn",
    )
    yield Dataset(
        name="stl10",
        aliases=("stl-10",),
        summary="113,000 photographs of 96x96 pixels, of which 13,000 have one of 10 classes (Coates et al. 2011).",
        factory="ganzoo_datasets.stl10:Stl10",
        options=Stl10Options,
        image_shape=rgb_shape,
        label_rule="dataset.split=train and dataset.split=test have classes",
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.stl10:examples",
    )
    yield Dataset(
        name="tiles",
        summary="6,001 different tiles of a game, 32x32 pixels in 8 folders; a source package of Debian has them.",
        factory="ganzoo_datasets.tiles:Tiles",
        options=TilesOptions,
        similar_to=dict.fromkeys(("sprites", "pixel-art"), "--dataset tiles"),
        image_shape=rgb_shape,
        path_option="path",
        opens_paths=False,
        examples="ganzoo_datasets.tiles:examples",
        license="cc0-1.0",
    )
