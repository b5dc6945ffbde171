"""Components that options of other components name (`ganzoo.plugin.Nested`).

Where a recipe is made, their names get their plugin, and their settings become complete. Neither another plugin nor
another default then changes what a stored recipe means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ganzoo.errors import MissingPlugin, UsageError
from ganzoo.plugin import Built
from ganzoo.plugin.nested import Nested, parse_settings
from ganzoo.plugin.options import Option, list_options, read, to_text
from ganzoo.recipe.keys import KEYS
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent


def list_nested(cls: type) -> Iterator[tuple[Option, Nested]]:
    """Yield the options of an options class that name components, each with what its component is used for."""
    for entry in list_options(cls).values():
        if entry.nested:
            yield entry, entry.nested


def make_choice(
    registry: Registry, component: RegisteredComponent, options: Any, prefix: str = "", extractor: Choice | None = None
) -> Choice:
    """Return the choice of a component with these options, and of the components that the options name.

    Args:
        registry: The registry of the named components.
        component: The component that was chosen.
        options: The options of the chosen component.
        prefix: The prefix of the options' keys, for errors.
        extractor: The extractor that a metric reads.

    Raises:
        UsageError: A named component is not installed, or its settings are wrong. The text names the key.
        MissingPlugin: A name is qualified by a plugin that is not installed.
    """
    parts: dict[str, Choice] = {}
    for entry, nested in list_nested(type(options)):
        name = getattr(options, entry.name)
        if not name:
            continue
        settings = getattr(options, nested.settings) if nested.settings else ()
        key, key_of_settings = prefix + entry.name, prefix + nested.settings
        part = choose_nested(registry, nested.kind, name, settings, key, key_of_settings)
        changes: dict[str, Any] = {entry.name: part.component.qualified}
        changes |= {nested.settings: format_settings(to_texts(part.options))} if nested.settings else {}
        options = replace(options, **changes)
        parts[entry.name] = part
    return Choice(component, options, extractor, parts)


def choose_nested(
    registry: Registry, kind: str, name: str, settings: Iterable[str] = (), key: str = "", key_of_settings: str = ""
) -> Choice:
    """Return the choice of a component that an option names.

    Args:
        registry: The registry of the component.
        kind: The kind of the component.
        name: The name of the component, as a user types it.
        settings: The options of the component that differ from its defaults, each ``NAME=VALUE``.
        key: The key of the option, for errors; empty for none.
        key_of_settings: The key of the option that has the settings, for errors; empty for none.

    Raises:
        UsageError: There is no such component or option, or a value is wrong.
        MissingPlugin: The name is qualified by a plugin that is not installed.
    """
    try:
        component = registry.resolve(kind, name)
    except (UsageError, MissingPlugin) as error:
        raise type(error)(f"{key}: {error}" if key else str(error)) from None
    spec = component.spec
    assert isinstance(spec, Built)
    owner = f"{KEYS[kind].name} {spec.name!r}"
    try:
        options = read(spec.options, parse_settings(settings, owner), owner=owner)
    except UsageError as error:
        raise UsageError(f"{key_of_settings}: {error}" if key_of_settings else str(error)) from None
    return make_choice(registry, component, options)


def format_settings(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return options as texts, each ``NAME=VALUE``; the inverse of `parse_settings`."""
    return tuple(f"{name}={value}" for name, value in values.items())


def to_texts(options: Any) -> dict[str, str]:
    """Return all options of a component by name, each as a person types it."""
    return {name: to_text(getattr(options, name)) for name in list_options(type(options))}
