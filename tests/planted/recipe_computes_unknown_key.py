"""For large images it sets an option that does not exist."""

from ganzoo.plugin import Recipe, hookimpl

CAUGHT_BY = ["recipe/planted/every-key-is-used"]


@hookimpl
def ganzoo_recipes():
    yield Recipe(name="planted", summary="Planted.", settings="recipe_computes_unknown_key:settings")


def settings(data, device):
    return {"arch": "dcgan", "loss": "bce", **({"train.larger": True} if data.shape[-1] > 128 else {})}
