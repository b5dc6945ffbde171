"""A plugin: random images in memory, which a training run reads without any cost.

ganzoo train --plugin benchmarks/noise.py --dataset noise dataset.size=64
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin import DataInfo, Dataset, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class NoiseOptions:
    """Options of the images."""

    size: int = option(64, help="Height and width in pixels.", low=8)
    channels: int = option(3, help="Channels of an image.", low=1)
    items: int = option(1024, help="Number of images.", low=1)
    dtype: Literal["float32", "uint8"] = option("float32", help="How a value is stored.")
    classes: int = option(10, help="Number of classes, which images get at random.", low=1)


def describe_noise(options: NoiseOptions) -> DataInfo:
    """Return the `DataInfo` of the images."""
    shape = (options.channels, options.size, options.size)
    return DataInfo(shape=shape, num_classes=options.classes, num_items=options.items, dtype=options.dtype)


class Noise:
    """`data` ``[items, channels, size, size]``, uniform in [-1, 1) or bytes; `labels` int64 ``[items]``, uniform."""

    def __init__(self, options: NoiseOptions) -> None:
        import torch

        self.info = describe_noise(options)
        generator = torch.Generator().manual_seed(0)
        shape = (options.items, *self.info.shape)
        self.data: Any = (
            torch.randint(256, shape, generator=generator, dtype=torch.uint8)
            if options.dtype == "uint8"
            else torch.rand(shape, generator=generator) * 2 - 1
        )
        self.labels: Any = torch.randint(options.classes, (options.items,), generator=generator)


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the dataset."""
    yield Dataset(
        name="noise",
        summary="Random images in memory.",
        factory=f"{__name__}:Noise",
        options=NoiseOptions,
        info=describe_noise,
    )
