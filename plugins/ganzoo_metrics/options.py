"""Options of the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import option


@dataclass(frozen=True, kw_only=True)
class MomentsOptions:
    """Options of `pixel-moments`."""

    dimensions: int = option(
        256,
        low=1,
        high=4096,
        help="Largest dimension for the Frechet distance; larger samples are averaged over small cells.",
    )


@dataclass(frozen=True, kw_only=True)
class FrechetInfinityOptions:
    """Options of `frechet-infinity`."""

    points: int = option(15, low=2, help="How many parts of the generated samples are measured, from a tenth to all.")


@dataclass(frozen=True, kw_only=True)
class KIDOptions:
    """Options of `kid`."""

    subsets: int = option(100, low=1, help="Random subsets whose values are averaged.")
    size: int = option(1000, low=2, help="Samples of each side in a subset; all, if there are fewer.")


@dataclass(frozen=True, kw_only=True)
class PRDCOptions:
    """Options of `prdc`."""

    neighbours: int = option(5, low=1, help="The ball of a sample reaches to its nearest neighbour of this rank.")


@dataclass(frozen=True, kw_only=True)
class InceptionScoreOptions:
    """Options of `inception-score`."""

    splits: int = option(10, low=1, help="Equal parts of the samples, whose scores are averaged.")


@dataclass(frozen=True, kw_only=True)
class MINDOptions:
    """Options of `mind`."""

    directions: int = option(1000, low=1, help="Random directions of the features, whose distances are averaged.")


@dataclass(frozen=True, kw_only=True)
class VendiOptions:
    """Options of `vendi`."""

    centred: bool = option(
        True, help="Whether cosines are about the mean of the real features; about the origin as in published values."
    )


@dataclass(frozen=True, kw_only=True)
class C2STOptions:
    """Options of `c2st`."""

    hidden: int = option(20, low=1, help="Units of the classifier's hidden layer.")
    epochs: int = option(20, low=1, help="How often it sees each sample that it learns from.")


@dataclass(frozen=True, kw_only=True)
class CASOptions:
    """Options of `cas`."""

    epochs: int = option(10, low=1, help="How often the classifier sees each generated sample.")


@dataclass(frozen=True, kw_only=True)
class SWDOptions:
    """Options of `swd`."""

    images: int = option(2048, low=1, help="How many images of each side are used at most.")
    patches: int = option(128, low=1, help="Patches that are cut from each level of an image.")


@dataclass(frozen=True, kw_only=True)
class CopyingOptions:
    """Options of `copying`."""

    cells: int = option(3, low=1, help="Clusters of real samples in which distances are compared.")


@dataclass(frozen=True, kw_only=True)
class FidelityOptions:
    """Options of `psnr` and `ssim`."""

    channels: Literal["colour", "luma"] = option(
        "colour",
        help="colour: all channels; luma: their brightness by ITU-R BT.601 from 16 to 235, as papers on "
        "super-resolution do.",
    )
    border: int = option(
        0, low=0, help="Pixels at each edge that do not count; the scale in papers on super-resolution."
    )
