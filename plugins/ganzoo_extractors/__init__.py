"""Extractors: networks whose features metrics compare."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Extractor, hookimpl
from ganzoo_extractors.options import RandomOptions


@hookimpl
def ganzoo_extractors() -> Iterator[Extractor]:
    """Offer the extractors."""
    yield Extractor(
        name="random",
        summary="Four convolutions with fixed random weights: sees noise, blur and colours, hardly what is shown.",
        factory="ganzoo_extractors.convolutions:RandomNetwork",
        options=RandomOptions,
        modalities=("image",),
        paper="Junghyuk Lee, Jun-Hyuk Kim & Jong-Seok Lee 2022, Demystifying Randomly Initialized Networks for "
        "Evaluating Generative Models, arXiv:2208.09218",
    )
