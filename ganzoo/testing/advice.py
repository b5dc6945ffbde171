"""Whether an advice to a user can be typed. A module of checks cannot contain this: all its functions are checks."""

from __future__ import annotations

import re

from ganzoo.errors import suggest_names
from ganzoo.recipe.keys import COMPONENTS, FLAGS, list_keys
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
    return f"there is no key {key!r}{suggest_names(key, known)}"
