"""Options and spec of `upscaling`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Dataset, option
from ganzoo_datasets.specs.images import STRICT_HELP


@dataclass(frozen=True, kw_only=True)
class UpscalingOptions:
    """Options of `upscaling`."""

    path: str = option("", help="Path of the folder of large, sharp images, or of a .zip or .tar.")
    size: int = option(
        64, help="Height and width of the large images in pixels, a multiple of scale.", low=8, high=4096
    )
    scale: int = option(4, help="How many times smaller the small images are.", low=1, high=8)
    degradation: Literal["bicubic", "real"] = option(
        "bicubic",
        help="How small images are made. bicubic: shrunk; real: blurred, shrunk, with noise and compressed, twice and "
        "at random, as in Real-ESRGAN, for photographs whose defects nobody knows.",
    )
    channels: Literal[1, 3] = option(3, help="Number of channels: 1 for grey, 3 for colour.")
    crops: int = option(4, help="Number of random crops of each image, which are not resized.", low=1, high=10_000)
    strict: bool = option(False, help=STRICT_HELP)


def upscaling_shape(options: UpscalingOptions) -> tuple[int, int, int]:
    """Return the shape of the large images of `upscaling`: channels, height, width."""
    return options.channels, options.size, options.size


def list_upscaling() -> Iterator[Dataset]:
    """Yield `upscaling`."""
    yield Dataset(
        name="upscaling",
        summary="Random crops of a folder of images, each with a small image that is made of it, to be enlarged.",
        factory="ganzoo_datasets.upscaling:Upscaling",
        options=UpscalingOptions,
        similar_to=dict.fromkeys(
            ("div2k", "flickr2k", "df2k", "super-resolution", "sr", "superresolution", "realsr"),
            "--dataset upscaling dataset.path=FOLDER",
        ),
        image_shape=upscaling_shape,
        path_option="path",
        opens_paths=False,
        examples="ganzoo_datasets.upscaling:examples",
    )
