"""Errors for keys that a person typed and that no part of a recipe uses."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.errors import UsageError
from ganzoo.plugin.options import make_unknown_key_error
from ganzoo.recipe.keys import EXTRACTOR, MANY, make_options_prefix
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.synonyms import suggest_setting
from ganzoo.registry import Registry


def make_unknown_setting_error(registry: Registry, key: str, known: Iterable[str], owner: str) -> UsageError:
    """Return the error for a key of a recipe that does not exist; arguments as in `make_unknown_key_error`."""
    keys = list(known)
    hint = suggest_setting(registry, key, keys)
    return UsageError(f"unknown key {key!r}{hint}") if hint else make_unknown_key_error(key, keys, owner)


def make_unused_key_error(key: str, choices: Iterable[Choice], known: Iterable[str], owner: str) -> UsageError:
    """Return the error for a key that no part of a recipe uses.

    Args:
        key: The key that a person typed.
        choices: The chosen components; their extractors count too.
        known: The valid keys, of which similar ones are named.
        owner: The owner of the valid keys, in words.
    """
    head, _, rest = key.partition(".")
    name, dot, option = rest.partition(".")
    kind = (MANY | {EXTRACTOR.name: EXTRACTOR.kind}).get(head)
    if kind is None or not (dot or head == EXTRACTOR.name):
        return make_unknown_key_error(key, known, owner)
    for choice in (part for each in choices for part in (each, each.extractor) if part):
        if choice.spec.kind == kind and name in (choice.component.qualified, *choice.spec.aliases):
            return UsageError(f"{key}: write {make_options_prefix(kind, choice.name)}{option}")
    if head == EXTRACTOR.name:
        name = name or "NAME"
        return UsageError(f"{key}: no metric reads extractor {name!r}: add metric.NAME.extractor={name}")
    return UsageError(f"{key}: {kind} {name!r} is not in use: add --{head} {name}")
