"""Options and specs of known datasets of image files, in the layout in which each is distributed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option
from ganzoo_datasets.specs.images import CROP_HELP, STRICT_HELP

PATH_HELP = "Path of its folder or .zip; empty for the usual names in the current folder."


@dataclass(frozen=True, kw_only=True)
class KnownOptions:
    """Options of `ffhq`."""

    path: str = option("", help=PATH_HELP)
    size: int = option(64, help="Height and width in pixels.", low=8, high=4096)
    crop: Literal["centre", "pad", "random"] = option("centre", help=CROP_HELP)
    strict: bool = option(False, help=STRICT_HELP)


@dataclass(frozen=True, kw_only=True)
class CelebaOptions(KnownOptions):
    """Options of `celeba`."""

    split: Literal["all", "train", "valid", "test"] = option(
        "all", help="Part of the data; all but 'all' need list_eval_partition.txt."
    )
    attribute: str = option("", help="An attribute of list_attr_celeba.txt that makes two classes: Smiling.")


@dataclass(frozen=True, kw_only=True)
class SplitOptions(KnownOptions):
    """Options of `afhq`, `imagenet` and `tiny-imagenet`."""

    split: Literal["train", "val", "test"] = option("train", help="Part of the data, a folder of this name.")


def known_shape(options: KnownOptions) -> tuple[int, int, int]:
    """Return the shape of the images: channels, height, width."""
    return 3, options.size, options.size


def list_known() -> Iterator[Dataset]:
    """Yield the datasets."""
    yield Dataset(
        name="celeba",
        summary="202,599 aligned faces with 40 attributes, 178x218 pixels.",
        paper="Ziwei Liu, Ping Luo, Xiaogang Wang & Xiaoou Tang 2015, Deep Learning Face Attributes in the Wild, "
        "arXiv:1411.7766",
        factory="ganzoo_datasets.known:open_celeba",
        options=CelebaOptions,
        image_shape=known_shape,
        label_rule="dataset.attribute=NAME makes two classes",
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.known:celeba_examples",
        hub="flwrlabs/celeba",
    )
    yield Dataset(
        name="ffhq",
        summary="70,000 faces, 1024x1024 pixels, or their thumbnails.",
        paper="Tero Karras, Samuli Laine & Timo Aila 2018, A Style-Based Generator Architecture for Generative "
        "Adversarial Networks, arXiv:1812.04948",
        factory="ganzoo_datasets.known:open_ffhq",
        options=KnownOptions,
        image_shape=known_shape,
        path_option="path",
        opens_paths=False,
        examples="ganzoo_datasets.known:ffhq_examples",
        license="cc-by-nc-sa-4.0",
    )
    yield Dataset(
        name="afhq",
        summary="About 15,000 faces of cats, dogs and wild animals, 512x512 pixels.",
        paper="Yunjey Choi, Youngjung Uh, Jaejun Yoo & Jung-Woo Ha 2019, StarGAN v2: Diverse Image Synthesis for "
        "Multiple Domains, arXiv:1912.01865",
        factory="ganzoo_datasets.known:open_afhq",
        options=SplitOptions,
        image_shape=known_shape,
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.known:split_examples",
        license="cc-by-nc-4.0",
    )
    yield Dataset(
        name="imagenet",
        summary="1.28 million photographs in 1,000 classes, a folder for each class.",
        paper="Olga Russakovsky, Jia Deng, Hao Su, Jonathan Krause, Sanjeev Satheesh, Sean Ma, Zhiheng Huang, Andrej "
        "Karpathy, Aditya Khosla, Michael Bernstein, Alexander C. Berg & Li Fei-Fei 2014, ImageNet Large Scale Visual "
        "Recognition Challenge, arXiv:1409.0575",
        factory="ganzoo_datasets.known:open_imagenet",
        options=SplitOptions,
        image_shape=known_shape,
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.known:split_examples",
        hub="ILSVRC/imagenet-1k",
    )
    yield Dataset(
        name="tiny-imagenet",
        summary="100,000 photographs of 64x64 pixels in 200 classes.",
        factory="ganzoo_datasets.known:open_tiny_imagenet",
        options=SplitOptions,
        image_shape=known_shape,
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.known:split_examples",
        hub="zh-plus/tiny-imagenet",
    )
