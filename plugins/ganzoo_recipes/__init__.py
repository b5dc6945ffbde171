"""Recipes of studies that compare many GANs in one setting. A paper's own recipe is beside its architecture."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Recipe, hookimpl
from ganzoo_recipes import mimicry, studiogan


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the recipes."""
    yield from studiogan.list_recipes()
    yield from mimicry.list_recipes()
