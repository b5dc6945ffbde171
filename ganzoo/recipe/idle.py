"""Options that were typed and have no effect beside the rest of the recipe: a warning, as a name may be mistaken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Verdict
from ganzoo.plugin.options import list_options, to_text
from ganzoo.recipe.keys import make_options_prefix
from ganzoo.recipe.recipe import ResolvedRecipe

TYPED = ("flag", "KEY=VALUE")  # origins of settings; recipes, and what components recommend, may suit other data too
TRAIN = "train."


def find_idle_options(recipe: ResolvedRecipe) -> list[Verdict]:
    """Return a verdict for each typed option without what it is used with (`ganzoo.plugin.option`).

    Args:
        recipe: The recipe, with the origins of its settings.
    """
    return [
        Verdict(code="idle-option", words=f"{key}={text} has no effect {missing}", advice=(advice,))
        for prefix, options in _list_all(recipe)
        for name, option in list_options(type(options)).items()
        if option.used_with and is_typed(recipe, key := prefix + name)
        for text in [to_text(getattr(options, name))]
        for missing, advice in _find_missing(recipe, prefix, options, option.used_with)
    ]


def is_typed(recipe: ResolvedRecipe, key: str) -> bool:
    """Return whether a user typed a setting for this run."""
    return recipe.origins.get(key) in TYPED


def _list_all(recipe: ResolvedRecipe) -> Iterator[tuple[str, Any]]:
    """Yield the options of all components and of the training, each with the prefix of their keys."""
    for choice in recipe.choices:
        yield make_options_prefix(choice.spec.kind, choice.name), choice.options
    yield TRAIN, recipe.train


def _find_missing(recipe: ResolvedRecipe, prefix: str, options: Any, used_with: str) -> Iterator[tuple[str, str]]:
    """Yield in words what an option lacks, and the way out; nothing if it has an effect."""
    outside = {
        "labels": (recipe.train.conditional, "--conditional"),
        "metrics": (recipe.metric, "--metric NAME"),
        "average": (recipe.train.ema_half_life, "train.ema_half_life=10000"),
    }
    for wanted in used_with.split(","):
        name, given, value = wanted.partition("=")
        if not given:
            there, flag = outside[name]
            if not there:
                yield f"without {name}", flag
        elif (present := to_text(getattr(options, name))) != value:
            yield f"with {prefix}{name}={present}", f"{prefix}{name}={value}"
