"""Whether an advice to a user can be typed. A module of checks cannot contain this: all its functions are checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ganzoo.errors import GanzooError, suggest_names
from ganzoo.plugin import Architecture
from ganzoo.recipe.keys import COMPONENTS, FLAGS, list_keys, map_flags_to_keys
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry


def find_advice_defect(advice: str) -> str:
    """Return why an advice cannot be typed; empty if it can."""
    flags = {entry.name for entry in (*COMPONENTS, *FLAGS)}
    if match := re.fullmatch(r"--([a-z-]+) \S+", advice):
        return "" if match[1] in flags else f"there is no flag --{match[1]}{suggest_names(match[1], flags)}"
    key, equals, value = advice.partition("=")
    known = list_keys(registry())
    if not (equals and value) or " " in key:
        return "write KEY=VALUE or --FLAG VALUE"
    head = key.partition(".")[0]
    if key in known or (head in {entry.name for entry in COMPONENTS} and "." in key):
        return ""
    return f"no setting is called {key!r}{suggest_names(key, known)}"


def list_recipes() -> Iterator[dict[str, Any]]:
    """Yield a frozen recipe of each architecture that can be used, with what it recommends and the default dataset."""
    for entry in registry().components("architecture"):
        assert isinstance(entry.spec, Architecture)
        sizes = {"dataset.size": entry.spec.sizes[0]} if entry.spec.sizes else {}
        for settings in ({}, sizes):
            with suppress(GanzooError):  # it takes other data, or needs a package that is not installed
                entry.check_requirements()
                yield resolve(registry(), pairs={"arch": entry.qualified, **settings}).to_json()
                break


def find_unresolved_advice(advice: str, recipe: Mapping[str, Any]) -> str:
    """Return why an advice cannot be typed together with a frozen recipe; empty if it can."""
    flag = re.fullmatch(r"--([a-z-]+) (\S+)", advice)
    key, _, value = advice.partition("=")
    flags = map_flags_to_keys({flag[1]: flag[2]}) if flag else {}
    try:
        resolve(registry(), config=recipe, flags=flags, pairs={} if flag else {key: value})
    except GanzooError as error:
        return str(error)
    return ""
