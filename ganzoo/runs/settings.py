"""The settings of runs as people read them: by key, with origins, and what several runs differ in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganzoo.errors import Corrupt
from ganzoo.plugin.options import to_text
from ganzoo.recipe.keys import EXTRACTOR, MANY, ONE
from ganzoo.recipe.layers import RUN
from ganzoo.recipe.recipe import flatten_recipe

DEFAULT = "default"  # the origin of a setting that nothing sets


def list_settings(stored: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a frozen recipe by key, as a person types them. No component needs to be installed.

    Raises:
        Corrupt: The recipe is damaged.
    """
    try:
        flat, _ = flatten_recipe(stored)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Corrupt("the recipe is damaged: its settings cannot be read") from None
    chosen = {key for key in flat if key in (*ONE, *MANY) or key.endswith(f".{EXTRACTOR.name}")}
    return {key: _shorten(value) if key in chosen else to_text(value) or "''" for key, value in flat.items()}


def list_origins(stored: Mapping[str, Any]) -> dict[str, str]:
    """Return the origins of settings that a run stored with its recipe; empty if an earlier version wrote it."""
    found = stored.get("origins")
    return {str(key): str(origin) for key, origin in found.items()} if isinstance(found, Mapping) else {}


def list_metrics(stored: Mapping[str, Any]) -> list[str]:
    """Return the bare names of the metrics of a frozen recipe; none if they cannot be read."""
    found = stored.get("metric", ())
    named = [each["name"] for each in found if isinstance(each, Mapping) and "name" in each] if _is_list(found) else []
    return [str(name).rpartition(":")[2] for name in named]


def find_differences(settings: Sequence[Mapping[str, str]]) -> dict[str, list[str | None]]:
    """Return the settings that are not equal in all runs: a value for each run, None where a run lacks the setting.

    Args:
        settings: The settings of each run, as `list_settings` returns them.
    """
    keys = dict.fromkeys(key for each in settings for key in each)
    values = {key: [each.get(key) for each in settings] for key in keys}
    return {key: each for key, each in values.items() if len(set(each)) > 1}


def keep_origins(origins: Mapping[str, str], path: Path) -> dict[str, str]:
    """Return the origins of a run's settings without defaults; those of a resumed run are restored.

    Args:
        origins: The origin of each setting; `RUN` if a resumed run took it from its own recipe.
        path: The file of the recipe that the run stored before; it need not exist.
    """
    known: dict[str, str] | None = None
    with suppress(OSError, ValueError):
        stored = json.loads(path.read_text(encoding="utf-8")) if RUN in origins.values() else {}
        known = list_origins(stored) if "origins" in stored else None
    kept = {
        key: origin if origin != RUN or known is None else known.get(key, DEFAULT) for key, origin in origins.items()
    }
    return {key: origin for key, origin in kept.items() if origin != DEFAULT}


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _shorten(names: Any) -> str:
    """Return the bare names of qualified components: ``plugin:name`` becomes ``name``."""
    return to_text([str(name).rpartition(":")[2] for name in ([names] if isinstance(names, str) else names)])
