"""Options and specs of `fashion-mnist` and `mnist`, whose images are 28x28 and grey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option


@dataclass(frozen=True, kw_only=True)
class MnistOptions:
    """Options of `mnist` and `fashion-mnist`."""

    path: str = option("", help="Path of the folder with its files; empty for where packages install them.")
    split: Literal["train", "test", "all"] = option("train", help="Part of the data: 60,000 images, 10,000, or both.")
    size: int = option(32, help="Height and width in pixels; 28 is the size in the files.", low=8, high=1024)
    fit: Literal["resize", "pad"] = option(
        "resize", help="How images get a larger size: resized, or with a border of black that keeps their pixels."
    )
    channels: Literal[1, 3] = option(1, help="Number of channels: 1 as in the files, or 3, which are equal.")


def mnist_shape(options: MnistOptions) -> tuple[int, int, int]:
    """Return the shape of the images: channels, height, width."""
    return options.channels, options.size, options.size


def list_mnist() -> Iterator[Dataset]:
    """Yield `fashion-mnist` and `mnist`."""
    yield Dataset(
        name="fashion-mnist",
        summary="70,000 grey images of clothes, 28x28, in 10 classes; a package of Debian has them.",
        paper="Han Xiao, Kashif Rasul & Roland Vollgraf 2017, Fashion-MNIST: a Novel Image Dataset for Benchmarking "
        "Machine Learning Algorithms, arXiv:1708.07747",
        factory="ganzoo_datasets.mnist:FashionMnist",
        options=MnistOptions,
        image_shape=mnist_shape,
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.mnist:examples",
        license="mit",
        hub="zalando-datasets/fashion_mnist",
    )
    yield Dataset(
        name="mnist",
        summary="70,000 handwritten digits, 28x28; a package of npm has 10,000 of them.",
        paper="Yann LeCun, Leon Bottou, Yoshua Bengio & Patrick Haffner 1998, Gradient-Based Learning Applied to "
        "Document Recognition, doi:10.1109/5.726791",
        factory="ganzoo_datasets.mnist:Mnist",
        options=MnistOptions,
        similar_to=dict.fromkeys(
            ("emnist", "kmnist", "qmnist", "usps"), "--dataset mnist dataset.path=FOLDER, if it has files like MNIST's"
        ),
        image_shape=mnist_shape,
        path_option="path",
        split_option="split",
        opens_paths=False,
        examples="ganzoo_datasets.mnist:examples",
        license="cc-by-sa-3.0",
        hub="ylecun/mnist",
    )
