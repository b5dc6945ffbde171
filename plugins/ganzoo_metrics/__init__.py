"""Metrics without a network: pixel-moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Metric, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class MomentsOptions:
    """Options of `pixel-moments`."""

    dimensions: int = option(
        256,
        low=1,
        high=4096,
        help="Largest dimension for the Frechet distance; larger samples are averaged over small cells.",
    )


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metrics."""
    yield Metric(
        name="pixel-moments",
        summary="Distances of means, standard deviations and covariances of the raw numbers: images, points, tables.",
        factory="ganzoo_metrics.moments:PixelMoments",
        options=MomentsOptions,
        similar_to=dict.fromkeys(
            ("fid", "fid50k", "fid50k-full", "clean-fid", "kid", "swd", "frechet", "inception-score", "is"),
            "--metric pixel-moments, which compares pixels, not features of Inception",
        ),
        better={"mean": "lower", "std": "lower", "fd": "lower"},
        cases="ganzoo_metrics.cases:pixel_moments",
        paper="D. C. Dowson & B. V. Landau 1982, The Fréchet distance between multivariate normal distributions, "
        "doi:10.1016/0047-259X(82)90077-X; Martin Heusel, Hubert Ramsauer, Thomas Unterthiner, Bernhard Nessler & Sepp "
        "Hochreiter 2017, GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, "
        "arXiv:1706.08500, eq. 6",
    )
