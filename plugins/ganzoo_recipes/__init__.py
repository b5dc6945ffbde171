"""Recipes of studies that compare many GANs in one setting. A paper's own recipe is beside its architecture."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Recipe, hookimpl
from ganzoo_recipes.studiogan import list_recipes


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the recipes."""
    yield from list_recipes()
