"""Choosing a dataset without a recipe, for commands that look at data alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzoo.plugin import Dataset, options
from ganzoo.plugin.options import list_options
from ganzoo.recipe.nested import make_choice
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.resolve import make_path_absolute
from ganzoo.recipe.wrong_keys import make_unknown_setting_error
from ganzoo.registry import Registry

PREFIX = "dataset."


def choose_dataset(registry: Registry, settings: Mapping[str, Any]) -> Choice:
    """Return the dataset that settings choose, with its options.

    Args:
        registry: The registry of the components.
        settings: ``dataset`` (by default the included dataset) and ``dataset.*``, by key.

    Raises:
        UsageError: There is no such dataset or key, or a value has a wrong type or is out of range.
    """
    name = settings.get("dataset")
    component = registry.resolve_default_dataset() if name is None else registry.resolve("dataset", str(name))
    spec = component.spec
    assert isinstance(spec, Dataset)
    owner, known = f"dataset {spec.name!r}", list_options(spec.options)
    for key in settings:
        if key != "dataset" and not (key.startswith(PREFIX) and key.removeprefix(PREFIX) in known):
            raise make_unknown_setting_error(registry, key, [PREFIX + each for each in known], owner)
    values = {key.removeprefix(PREFIX): value for key, value in settings.items() if key != "dataset"}
    chosen = make_path_absolute(spec, options.read(spec.options, values, PREFIX, owner))
    return make_choice(registry, component, chosen, PREFIX)
