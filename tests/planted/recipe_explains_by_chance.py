"""It looks at the data, and its reasons differ each time that it is asked."""

from itertools import count

from ganzoo.plugin import Proposal, Recipe, hookimpl

CAUGHT_BY = ["recipe/planted/explains-its-choice"]
NUMBERS = count()


@hookimpl
def ganzoo_recipes():
    yield Recipe(name="planted", summary="Planted.", settings="recipe_explains_by_chance:settings", looks=True)


def settings(data, device, facts):
    return Proposal(settings={"arch": "dcgan", "loss": "bce"}, reasons=(f"reason {next(NUMBERS)}",))
