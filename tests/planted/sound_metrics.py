"""Correct metrics of features, statistics, pairs and labelled samples; one has keys that depend on the data."""

from ganzoo.plugin import Metric, hookimpl


@hookimpl
def ganzoo_metrics():
    yield Metric(
        name="centres",
        summary="Of features.",
        factory="sound_measures:Centres",
        reads="features",
        better={"distance": "lower", "share-*": "neither"},
    )
    yield Metric(
        name="gaussians",
        summary="Of statistics.",
        factory="sound_measures:Gaussians",
        reads="statistics",
        better={"fd": "lower"},
        cases="sound_measures:cases",
    )
    yield Metric(
        name="psnr",
        summary="Of pairs.",
        factory="sound_measures:PSNR",
        pairs=True,
        better={"psnr": "higher"},
        modalities=("image",),
    )
    yield Metric(
        name="by-class", summary="Of labels.", factory="sound_measures:ByClass", labels=True, better={"worst": "lower"}
    )
