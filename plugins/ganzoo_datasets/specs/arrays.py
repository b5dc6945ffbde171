"""Options and spec of `npz`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option


@dataclass(frozen=True, kw_only=True)
class ArraysOptions:
    """Options of `npz`."""

    path: str = option("", help="Path of the .npz or .npy file; --dataset PATH sets it.")
    samples: str = option("", help="The array of samples in a .npz; empty for the usual names, or the only array.")
    labels: str = option("", help="The array of labels in a .npz; empty for the usual names, none for no labels.")
    layout: Literal["auto", "first", "last", "none"] = option(
        "auto", help="Where images have their channels: first, last, or none where they are grey [N, H, W]."
    )
    size: int | None = option(None, help="Height and width in pixels; none for that of the arrays.", low=8, high=4096)


def list_arrays() -> Iterator[Dataset]:
    """Yield `npz`."""
    yield Dataset(
        name="npz",
        aliases=("npy",),
        summary="Arrays of numpy, .npz or .npy: images as bytes or floats, or points.",
        factory="ganzoo_datasets.arrays:Arrays",
        options=ArraysOptions,
        similar_to=dict.fromkeys(("numpy", "array", "arrays"), "--dataset FILE.npz"),
        label_rule="a .npz has an array labels, or dataset.labels=NAME names it",
        path_option="path",
        path_suffixes=(".npz", ".npy"),
        examples="ganzoo_datasets.arrays:examples",
    )
