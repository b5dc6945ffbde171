"""Options of the extractors."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.plugin import option


@dataclass(frozen=True, kw_only=True)
class RandomOptions:
    """Options of `random`."""

    size: int = option(64, help="Images with a longer side are shrunk to this size, in pixels.", low=8)
    seed: int = option(0, help="The seed of the weights; another seed is another network.", low=0)
