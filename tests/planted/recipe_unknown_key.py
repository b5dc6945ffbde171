"""It sets an option that does not exist, which no other check notices."""

from ganzoo.plugin import Recipe, hookimpl

CAUGHT_BY = ["recipe/planted/every-key-is-used"]


@hookimpl
def ganzoo_recipes():
    yield Recipe(name="planted", summary="Planted.", settings={"arch": "dcgan", "loss": "bce", "trian.batch": 32})
