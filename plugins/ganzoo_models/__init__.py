"""Two small trained generators: `digits` and `ring`. The file `train.py` trains them."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Model, hookimpl


@hookimpl
def ganzoo_models() -> Iterator[Model]:
    """Offer the models."""
    yield Model(
        name="digits",
        summary="Handwritten digits, 32x32, of a chosen class: a dcgan trained on the digits dataset.",
        path="ganzoo_models:digits",
        similar_to={"mnist": "ganzoo:digits"},
    )
    yield Model(
        name="ring",
        summary="Points on a ring of eight modes, all of them found: an mlp trained on the points dataset.",
        path="ganzoo_models:ring",
    )
