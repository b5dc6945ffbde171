"""A plugin: random images in memory, which cost a training run nothing to read.

ganzoo train --plugin benchmarks/noise.py --dataset noise dataset.size=64
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ganzoo.plugin import DataInfo, Dataset, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class NoiseOptions:
    """How the images are."""

    size: int = option(64, help="Height and width in pixels.", low=8)
    channels: int = option(3, help="Of an image.", low=1)
    items: int = option(1024, help="How many images there are.", low=1)
    classes: int = option(10, help="How many classes they are given at random.", low=1)


def noise_info(options: NoiseOptions) -> DataInfo:
    """Return what the data is."""
    shape = (options.channels, options.size, options.size)
    return DataInfo(shape=shape, num_classes=options.classes, num_items=options.items)


class Noise:
    """`data` float32 ``[items, channels, size, size]``, uniform in [-1, 1); `labels` int64 ``[items]``, uniform."""

    def __init__(self, options: NoiseOptions) -> None:
        import torch

        self.info = noise_info(options)
        generator = torch.Generator().manual_seed(0)
        self.data: Any = torch.rand(options.items, *self.info.shape, generator=generator) * 2 - 1
        self.labels: Any = torch.randint(options.classes, (options.items,), generator=generator)


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the dataset."""
    yield Dataset(
        name="noise",
        summary="Random images in memory.",
        factory=f"{__name__}:Noise",
        options=NoiseOptions,
        info=noise_info,
    )
