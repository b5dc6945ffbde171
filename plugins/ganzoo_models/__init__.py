"""Two small trained generators that come along: `digits` and `ring`. How they were made: `train.py` beside this."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Model, hookimpl


@hookimpl
def ganzoo_models() -> Iterator[Model]:
    """Offer the models."""
    yield Model(
        name="digits",
        summary="Handwritten digits, 32x32, of the class that is asked for: a dcgan trained on the digits dataset.",
        path="ganzoo_models:digits",
    )
    yield Model(
        name="ring",
        summary="Points on a ring of eight modes, all of them found: an mlp trained on the points dataset.",
        path="ganzoo_models:ring",
    )
