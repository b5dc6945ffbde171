"""Metrics: distances and shares in the space of an extractor's features, and moments of the raw numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Metric, hookimpl
from ganzoo_metrics.options import FrechetInfinityOptions, KIDOptions, MomentsOptions, PRDCOptions

EXTRACTOR = "random"  # of metrics that read features of any network
NOT_FID = "--metric frechet, the same distance on the features of another network"


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metrics."""
    yield Metric(
        name="pixel-moments",
        summary="Distances of means, standard deviations and covariances of the raw numbers: images, points, tables.",
        factory="ganzoo_metrics.moments:PixelMoments",
        options=MomentsOptions,
        similar_to=dict.fromkeys(
            ("fid", "fid50k", "fid50k-full", "clean-fid", "swd", "inception-score", "is"),
            "--metric pixel-moments, which compares pixels, not features of Inception",
        ),
        better={"mean": "lower", "std": "lower", "fd": "lower"},
        cases="ganzoo_metrics.cases:pixel_moments",
        paper="D. C. Dowson & B. V. Landau 1982, The Fréchet distance between multivariate normal distributions, "
        "doi:10.1016/0047-259X(82)90077-X; Martin Heusel, Hubert Ramsauer, Thomas Unterthiner, Bernhard Nessler & Sepp "
        "Hochreiter 2017, GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, "
        "arXiv:1706.08500, eq. 6",
    )
    yield Metric(
        name="frechet",
        summary="Frechet distance of features; on those of Inception it is FID.",
        aliases=("fd", "frechet-distance"),
        factory="ganzoo_metrics.frechet:Frechet",
        reads="statistics",
        extractor=EXTRACTOR,
        better={"fd": "lower"},
        cases="ganzoo_metrics.cases:frechet",
        paper="Martin Heusel, Hubert Ramsauer, Thomas Unterthiner, Bernhard Nessler & Sepp Hochreiter 2017, GANs "
        "Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, arXiv:1706.08500, eq. 6",
    )
    yield Metric(
        name="frechet-infinity",
        summary="Frechet distance of features, extrapolated to infinitely many generated samples.",
        aliases=("fd-infinity", "fd-inf"),
        factory="ganzoo_metrics.frechet:FrechetInfinity",
        options=FrechetInfinityOptions,
        reads="features",
        extractor=EXTRACTOR,
        better={"fd": "lower"},
        cases="ganzoo_metrics.cases:frechet_infinity",
        paper="Min Jin Chong & David Forsyth 2020, Effectively Unbiased FID and Inception Score and where to find "
        "them, arXiv:1911.07023, section 3.2",
    )
    yield Metric(
        name="kid",
        summary="Kernel distance of features, without bias for few samples.",
        aliases=("kernel-distance", "mmd"),
        factory="ganzoo_metrics.kid:KID",
        options=KIDOptions,
        reads="features",
        extractor=EXTRACTOR,
        better={"kid": "lower", "std": "neither"},
        cases="ganzoo_metrics.cases:kid",
        paper="Mikolaj Binkowski, Danica J. Sutherland, Michael Arbel & Arthur Gretton 2018, Demystifying MMD GANs, "
        "arXiv:1801.01401, section 3",
    )
    yield Metric(
        name="prdc",
        summary="Precision and density (are samples realistic?), recall and coverage (does nothing lack?).",
        aliases=("precision-recall", "density-coverage"),
        factory="ganzoo_metrics.prdc:PRDC",
        options=PRDCOptions,
        reads="features",
        extractor=EXTRACTOR,
        better=dict.fromkeys(("precision", "recall", "density", "coverage"), "higher"),
        cases="ganzoo_metrics.cases:prdc",
        paper="Tuomas Kynkäänniemi, Tero Karras, Samuli Laine, Jaakko Lehtinen & Timo Aila 2019, Improved Precision "
        "and Recall Metric for Assessing Generative Models, arXiv:1904.06991; Muhammad Ferjad Naeem, Seong Joon Oh, "
        "Youngjung Uh, Yunjey Choi & Jaejun Yoo 2020, Reliable Fidelity and Diversity Metrics for Generative Models, "
        "arXiv:2002.09797",
    )
