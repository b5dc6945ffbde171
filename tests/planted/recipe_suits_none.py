"""It says that it suits some data, but its function never finds any."""

from ganzoo.plugin import Recipe, hookimpl

CAUGHT_BY = ["recipe/planted/says-what-it-suits"]


@hookimpl
def ganzoo_recipes():
    parts = {"arch": "dcgan", "loss": "bce"}
    yield Recipe(name="planted", summary="Planted.", settings=parts, suits="recipe_suits_none:explain_suitability")


def explain_suitability(data, device):
    return ""
