"""It sets an option that no part of it has, which nothing else would notice."""

from ganzoo.plugin import Recipe, hookimpl

CAUGHT_BY = ["recipe/planted/every-key-is-used"]


@hookimpl
def ganzoo_recipes():
    yield Recipe(name="planted", summary="Planted.", settings={"arch": "dcgan", "loss": "bce", "trian.batch": 32})
