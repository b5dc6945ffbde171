"""Options and specs of the datasets that need no files: the included `digits`, and synthetic `points`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import DataInfo, Dataset, option


@dataclass(frozen=True, kw_only=True)
class DigitsOptions:
    """Options of `digits`."""

    size: int = option(32, help="Height and width in pixels.", low=8, high=1024)


@dataclass(frozen=True, kw_only=True)
class PointsOptions:
    """Options of `points`."""

    shape: Literal[
        "ring",
        "pacgan-ring",
        "grid",
        "grid-100",
        "rotated-100",
        "staggered-100",
        "gaussian",
        "spiral",
        "two-moons",
        "checkerboard",
    ] = option("ring", help="Distribution of the points.")


def digits_info(options: DigitsOptions) -> DataInfo:
    """Return a description of `digits` at the chosen size."""
    return DataInfo(shape=(1, options.size, options.size), num_classes=10, num_items=1797)


def points_info(options: PointsOptions) -> DataInfo:
    """Return a description of `points`: modes are classes, and `meta` has their centres and standard deviation.

    The data is divided by its RMS. For centres c and standard deviation sigma, E x^2 = mean c^2 + sigma^2 over
    coordinates. ``meta["modes"]`` (``[K][2]``) and ``meta["sigma"]`` are those of the divided data; shapes without
    modes have neither.
    """
    modes = _modes(options.shape)
    if modes is None:
        return DataInfo(shape=(2,), modality="points")
    centres, sigma = modes
    rms = math.sqrt(sum(x * x + y * y for x, y in centres) / (2 * len(centres)) + sigma * sigma)
    meta = {"modes": [[x / rms, y / rms] for x, y in centres], "sigma": sigma / rms}
    return DataInfo(shape=(2,), num_classes=len(centres), modality="points", meta=meta)


def _modes(shape: str) -> tuple[list[tuple[float, float]], float] | None:
    """Return the centres of a mixture and their standard deviation, before the division; None for other shapes."""
    ring = [(math.cos(math.tau * k / 8), math.sin(math.tau * k / 8)) for k in range(8)]
    match shape:
        case "ring":
            return [(2 * x, 2 * y) for x, y in ring], 0.02
        case "pacgan-ring":
            return ring, 0.01
        case "grid":
            return [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)], 0.05
        case "grid-100" | "rotated-100" | "staggered-100":
            return _place_hundred(shape), 0.03
        case "gaussian":
            return [(0.0, 0.0)], 1.0
    return None


def _place_hundred(shape: str) -> list[tuple[float, float]]:
    """Return ten rows of ten centres, turned by 25 degrees, or shifted by turns and closer together.

    They are those of ParticleGAN (https://github.com/255BITS/ParticleGAN).
    """
    rows = [(row - 4.5, column - 4.5) for row in range(10) for column in range(10)]
    match shape:
        case "rotated-100":
            sine, cosine = math.sin(math.radians(25)), math.cos(math.radians(25))
            return [(cosine * x - sine * y, sine * x + cosine * y) for x, y in rows]
        case "staggered-100":
            return [(0.85 * x, y + (-0.25 if (x - 0.5) % 2 else 0.25)) for x, y in rows]
    return rows


def list_included() -> Iterator[Dataset]:
    """Yield `digits` and `points`."""
    yield Dataset(
        name="digits",
        summary="1,797 handwritten digits, included: no download needed.",
        paper="Ethem Alpaydin & Cenk Kaynak 1998, Optical Recognition of Handwritten Digits, doi:10.24432/C50P49, "
        "UCI Machine Learning Repository, CC BY 4.0",
        factory="ganzoo_datasets.digits:Digits",
        options=DigitsOptions,
        info=digits_info,
        license="cc-by-4.0",
        default=True,
    )
    yield Dataset(
        name="points",
        summary="Points in the plane, drawn without end: mixtures, whose modes can be counted, and curves.",
        paper="Akash Srivastava, Lazar Valkov, Chris Russell, Michael U. Gutmann & Charles Sutton 2017, VEEGAN: "
        "Reducing Mode Collapse in GANs using Implicit Variational Learning, arXiv:1705.07761; Zinan Lin, Ashish "
        "Khetan, Giulia Fanti & Sewoong Oh 2018, PacGAN: The power of two samples in generative adversarial networks, "
        "arXiv:1712.04086",
        factory="ganzoo_datasets.points:Points",
        options=PointsOptions,
        similar_to={
            **dict.fromkeys(("gaussians", "8gaussians", "ring"), "--dataset points dataset.shape=ring"),
            **dict.fromkeys(("25gaussians", "grid"), "--dataset points dataset.shape=grid"),
            "100gaussians": "--dataset points dataset.shape=grid-100",
            **dict.fromkeys(("moons", "two-moons"), "--dataset points dataset.shape=two-moons"),
            **dict.fromkeys(("spiral", "swiss-roll"), "--dataset points dataset.shape=spiral"),
        },
        info=points_info,
        license="none needed, the points are drawn by a formula",
        show="ganzoo_datasets.points:show",
        num_shown=2500,
    )
