"""Warnings about a recipe, of what may be meant: words that a component wants and no other provides; idle options."""

from __future__ import annotations

from ganzoo.plugin import Built, Verdict
from ganzoo.recipe.idle import find_idle_options
from ganzoo.recipe.keys import COMPONENTS, MANY
from ganzoo.recipe.recipe import Choice, ResolvedRecipe
from ganzoo.registry import Registry

NUM_SUGGESTED = 2  # components in the advice of a warning


def find_warnings(recipe: ResolvedRecipe, registry: Registry) -> list[Verdict]:
    """Return what a user is warned of before a training: unmet wants, and typed options without effect."""
    return [*find_unmet_wants(recipe, registry), *find_idle_options(recipe)]


def find_unmet_wants(recipe: ResolvedRecipe, registry: Registry) -> list[Verdict]:
    """Return a verdict for each word that a component wants (`Built.wants`) and no component of the recipe provides.

    Args:
        recipe: The recipe whose components want words.
        registry: The registry of the components that the advice names.
    """
    provided = {word for choice in recipe.choices for word in choice.provides}
    return [
        Verdict(
            code="unmet-want",
            severity="info",  # it may be meant
            words=f"{choice.spec.kind} {choice.name!r}: {problem}",
            advice=_suggest_providers(choice, word, registry),
        )
        for choice in recipe.choices
        for word, problem in choice.spec.get_wanted(choice.options).items()
        if word not in provided
    ]


def _suggest_providers(choice: Choice, word: str, registry: Registry) -> tuple[str, ...]:
    """Return the flags for a component with a word.

    First come those that the choice recommends, then components that are added to others, then losses.
    """
    recommended = getattr(choice.spec, "recommended", {})
    found = [
        (entry.spec.name not in str(recommended.get(key.name, "")), f"--{key.name} {entry.spec.name}")
        for key in sorted(COMPONENTS, key=lambda key: key.name not in MANY)
        if key.name in MANY or key.kind == "loss"
        for entry in registry.components(key.kind)
        if isinstance(entry.spec, Built) and word in entry.spec.get_provided(entry.spec.options())
    ]
    return tuple(flag for _, flag in sorted(found, key=lambda each: each[0])[:NUM_SUGGESTED])
