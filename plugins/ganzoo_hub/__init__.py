"""The dataset `hub`: any dataset of images on the Hugging Face Hub, by the library `datasets`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, hookimpl, option

REPOS = {  # names that people look for, and a repository that has their images
    "celeba-hq": "korexyz/celeba-hq-256x256",
    "lsun": "pcuenq/lsun-bedrooms",
    "flowers": "huggan/flowers-102-categories",
    "butterflies": "huggan/smithsonian_butterflies_subset",
}


@dataclass(frozen=True, kw_only=True)
class HubOptions:
    """Options of `hub`."""

    repo: str = option("", help="The dataset on the Hub, USER/NAME; or the path of a folder that is like one.")
    config: str = option("", help="The subset, where the dataset has several; empty for its default.")
    split: str = option("train", help="The split, also a part of one: train[:10000].")
    revision: str = option("", help="Branch, tag or commit; the recipe stores the commit. Empty for the newest.")
    image: str = option("", help="The column of images; empty for the first one.")
    label: str = option("", help="The column of classes; empty for the first one, none for no labels.")
    size: int = option(32, help="Height and width in pixels.", low=8, high=4096)
    channels: Literal[1, 3] = option(3, help="Number of channels: 1 for grey, 3 for colour.")
    crop: Literal["centre", "pad", "random"] = option(
        "centre",
        help="How images get the shape: cropped at the centre and resized, resized with white beside them, or a window "
        "of the size at a random place.",
    )
    streaming: bool = option(
        False, help="Whether images are read from the Hub while training instead of downloaded first."
    )


def hub_shape(options: HubOptions) -> tuple[int, int, int]:
    """Return the shape of the images: channels, height, width."""
    return options.channels, options.size, options.size


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the dataset."""
    yield Dataset(
        name="hub",
        summary="Any dataset of images on the Hugging Face Hub: --dataset hub dataset.repo=USER/NAME.",
        factory="ganzoo_hub.hub:open_hub",
        options=HubOptions,
        requires=("datasets>=4",),
        similar_to={name: f"--dataset hub dataset.repo={repo}" for name, repo in REPOS.items()}
        | {"huggingface": "--dataset hub dataset.repo=USER/NAME"},
        image_shape=hub_shape,
        label_rule="dataset.label=COLUMN names the column of classes",
        split_option="split",
        settle="ganzoo_hub.revisions:settle",
        hub_option="repo",
        examples="ganzoo_hub.hub:examples",
    )
