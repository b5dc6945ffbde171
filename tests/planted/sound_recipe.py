"""Correct recipes: for digits, for a user's own images, and for colour images."""

from ganzoo.plugin import Recipe, hookimpl


@hookimpl
def ganzoo_recipes():
    parts = {"arch": "dcgan", "loss": "bce", "train.batch": 32, "optim.g.name": "sgd", "optim.g.lr": 0.1}
    yield Recipe(name="small", summary="On digits.", settings={**parts, "dataset": "digits", "reg": "r1"})
    yield Recipe(name="large", summary="On one's own images.", settings={**parts, "dataset.size": 64})
    yield Recipe(name="colour", summary="In colour.", settings={**parts, "dataset.channels": 3})
    yield Recipe(name="computed", summary="Follows from the data.", settings="sound_recipe:settings", dataset="digits")


def settings(data, device):
    return {"arch": "dcgan", "loss": "bce", "arch.width": max(8, data.shape[-1] // 2), "train.batch": 16}
