"""Options of the extractors."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.plugin import option


@dataclass(frozen=True, kw_only=True)
class RandomOptions:
    """Options of `random`."""

    size: int = option(64, help="Images with a longer side are shrunk to this size, in pixels.", low=8)
    seed: int = option(0, help="The seed of the weights; another seed is another network.", low=0)


@dataclass(frozen=True, kw_only=True)
class SqueezeNetOptions:
    """Options of `squeezenet`."""

    size: int = option(128, help="Images are resized to squares of this size, in pixels.", low=32)


@dataclass(frozen=True, kw_only=True)
class MobileNetOptions:
    """Options of `mobilenet`."""

    size: int = option(224, help="Images are resized to squares of this size, in pixels.", low=32)


@dataclass(frozen=True, kw_only=True)
class InPlaceOptions:
    """Options of `in-place`."""

    accuracy: float = option(
        0.95, help="Share of held-out samples that it must classify correctly to be believed.", low=0, high=1
    )
