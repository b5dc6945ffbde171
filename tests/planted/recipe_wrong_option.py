"""It sets an option of its architecture to a value that the option does not accept."""

from ganzoo.plugin import Recipe, hookimpl

CAUGHT_BY = ["recipe/planted/resolves"]


@hookimpl
def ganzoo_recipes():
    yield Recipe(name="planted", summary="Planted.", settings={"arch": "dcgan", "loss": "bce", "arch.width": "wide"})
