"""The recipe that chooses by the data, and recipes of studies that compare many GANs in one setting.

A paper's own recipe is beside its architecture.
"""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Recipe, hookimpl
from ganzoo_recipes import digits, mimicry, studiogan


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the recipes."""
    yield Recipe(
        name="auto",
        summary="Chooses networks, loss, augmentation and length by the data and the machine, for one's own images.",
        settings="ganzoo_recipes.auto:choose_settings",
        looks=True,
        default=True,
        cost="10 minutes without a GPU, 6 hours with one",
    )
    yield from studiogan.list_recipes()
    yield from mimicry.list_recipes()
    yield from digits.list_recipes()
