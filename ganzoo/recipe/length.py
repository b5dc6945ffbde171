"""The length of a run: a number of images, or a time whose number of images is measured when the run starts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from ganzoo.errors import UsageError
from ganzoo.plugin.schedule import Schedule
from ganzoo.recipe.idle import is_typed
from ganzoo.recipe.keys import NETWORKS, make_options_prefix
from ganzoo.recipe.layers import Layer
from ganzoo.recipe.recipe import Choice, OptimizerChoice, ResolvedRecipe

IMAGES, TIME = "train.images", "train.time"


def settle_length(layers: list[Layer]) -> list[Layer]:
    """Return the layers without a time, if a number of images was typed.

    Raises:
        UsageError: Both were typed.
    """
    typed = {key for layer in layers if layer.is_typed for key, value in layer.values.items() if value is not None}
    if {IMAGES, TIME} <= typed:
        raise UsageError("--images and --time both set the length of the run: remove one of them")
    if IMAGES not in typed:
        return layers
    return [
        replace(layer, values={key: value for key, value in layer.values.items() if key != TIME}) for layer in layers
    ]


def follow_typed_length(recipe: ResolvedRecipe, layer: Layer) -> ResolvedRecipe:
    """Return a recipe whose schedules follow its length, if a named recipe wrote them for another one.

    Args:
        recipe: The recipe whose length changes.
        layer: The settings of the named recipe.
    """
    images, written = recipe.train.images, layer.values.get(IMAGES)
    if not layer.follows or written is None or written == images:
        return recipe
    nominal = replace(recipe, train=replace(recipe.train, images=int(written)))
    return change_length(nominal, images, list_typed_keys(recipe))


def list_typed_keys(recipe: ResolvedRecipe) -> list[str]:
    """Return the keys that were typed for this run; none for a recipe that was read from JSON."""
    return [key for key in recipe.origins if is_typed(recipe, key)]


def change_length(recipe: ResolvedRecipe, images: int, typed: Collection[str]) -> ResolvedRecipe:
    """Return a recipe of another length, which its schedules and its average follow.

    The images of all schedules are multiplied by the same factor as the length, and so is the half-life of the average
    where ``train.ema_ramp`` does not make it follow. Typed settings stay as they are.

    Args:
        recipe: The recipe, whose length its schedules were written for.
        images: The new length, in images.
        typed: The keys that were typed.
    """
    factor = images / recipe.train.images

    def stretch(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(stretch, value))
        if not isinstance(value, Schedule):
            return value
        return replace(value, images=value.images * factor, after=value.after * factor)

    def stretch_options(options: Any, prefix: str) -> Any:
        names = [each.name for each in fields(options) if prefix + each.name not in typed]
        return replace(options, **{name: stretch(getattr(options, name)) for name in names})

    def stretch_choice(choice: Choice) -> Choice:
        prefix = make_options_prefix(choice.spec.kind, choice.name)
        return replace(choice, options=stretch_options(choice.options, prefix))

    def stretch_optimizer(chosen: OptimizerChoice, network: str) -> OptimizerChoice:
        return replace(chosen, options=stretch_options(chosen.options, f"optim.{network}."))

    train = replace(stretch_options(recipe.train, "train."), images=images)
    if train.ema_ramp is None and "train.ema_half_life" not in typed:
        train = replace(train, ema_half_life=train.ema_half_life * factor)
    g, d = NETWORKS
    return replace(
        recipe,
        arch=stretch_choice(recipe.arch),
        loss=stretch_choice(recipe.loss),
        reg=tuple(map(stretch_choice, recipe.reg)),
        aug=tuple(map(stretch_choice, recipe.aug)),
        optim_g=stretch_optimizer(recipe.optim_g, g),
        optim_d=stretch_optimizer(recipe.optim_d, d),
        train=train,
    )
