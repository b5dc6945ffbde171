"""The arguments ``KEY=VALUE`` of commands."""

from __future__ import annotations

import os
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from ganzoo.errors import UsageError
from ganzoo.plugin import Dataset
from ganzoo.recipe.keys import COMPONENTS, list_keys
from ganzoo.recipe.synonyms import suggest_setting
from ganzoo.registry import registry


def parse_pairs(arguments: Iterable[str]) -> dict[str, str]:
    """Parse ``KEY=VALUE`` arguments to a mapping.

    Raises:
        UsageError: An argument does not have that form, or a key is given twice.
    """
    pairs: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not key:
            raise UsageError(f"{argument!r} is not KEY=VALUE{_suggest_setting(argument)}")
        if key in pairs:
            raise UsageError(f"{key} is given twice: keep one of {key}={pairs[key]} and {argument}")
        pairs[key] = value
    return pairs


def _suggest_setting(word: str) -> str:
    """Return what to type instead of a single word: a flag if the word is a component's name or a path."""
    for key in COMPONENTS:
        if any(word in (entry.spec.name, *entry.spec.aliases) for entry in registry().components(key.kind)):
            return f": did you mean --{key.name} {word}?"
    if os.path.exists(word):
        return f": did you mean --dataset {word if _can_open(word) else os.path.dirname(word) or '.'}?"
    return suggest_setting(registry(), word) or ": settings are written like train.images=50000"


def _can_open(path: str) -> bool:
    """Return whether a dataset opens this folder or file."""
    specs = [entry.spec for entry in registry().components("dataset")]
    return os.path.isdir(path) or any(isinstance(spec, Dataset) and spec.claims(path) for spec in specs)


def complete_pairs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the key of ``KEY=VALUE``."""
    keys = [key for key in list_keys(registry(), ctx.params.get("arch")) if key.startswith(incomplete)]
    return [CompletionItem(f"{key}=") for key in keys]
