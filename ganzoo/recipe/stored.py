"""Reading frozen recipes of files, runs and model packages, with the installed components."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import Corrupt, GanzooError, MissingPlugin, NotFound, UsageError
from ganzoo.plugin import Built, options
from ganzoo.plugin.nested import parse_settings
from ganzoo.plugin.numbers import parse_number
from ganzoo.plugin.values import convert
from ganzoo.recipe.keys import EXTRACTOR, KEYS, MANY, ONE
from ganzoo.recipe.nested import format_settings, list_nested, make_choice
from ganzoo.recipe.recipe import FORMAT, Choice
from ganzoo.registry import PLURALS, Registry
from ganzoo.registry.installed import RegisteredComponent

RELEASE = re.compile(r"\d[\w.+!]*", re.ASCII)  # a version without characters that a shell or terminal interprets


def load_json(source: Path) -> dict[str, Any]:
    """Return the frozen recipe of a ``recipe.json``, a run or a model package.

    Raises:
        NotFound: There is no recipe at that path.
        Corrupt: The file is not a recipe in JSON.
        GanzooError: A newer version of ganzoo wrote the file.
    """
    candidates = [source / "recipe.json", source / "config.json"] if source.is_dir() else [source]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise NotFound(f"{source} has no recipe: give a recipe.json, a run or a model package")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return check_format(stored.get("recipe", stored), str(path))
    except (ValueError, AttributeError, RecursionError):
        raise Corrupt(f"{path} is damaged or not a recipe of ganzoo") from None


def check_format(stored: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return a stored recipe as a dict. Raise Corrupt or GanzooError if this version cannot read its format."""
    try:
        written = int(stored["format"])
    except (ValueError, KeyError, TypeError, OverflowError):
        raise Corrupt(f"{source} is damaged or not a recipe of ganzoo") from None
    if written > FORMAT:
        raise GanzooError(
            f"{source} was written by a newer ganzoo ({stored.get('ganzoo')}): python -m pip install -U ganzoo"
        )
    return dict(stored)


def read_choice(registry: Registry, key: str, entry: Mapping[str, Any]) -> Choice:
    """Return one component of a stored recipe with its options, migrated to the installed version.

    Args:
        registry: The registry of the component.
        key: The key of the recipe that chooses it, such as ``arch``.
        entry: The stored entry, such as ``recipe["arch"]``.

    Raises:
        MissingPlugin: The component is not installed, or it is older than the stored options.
    """
    component = resolve_stored_component(registry, key, entry)
    assert isinstance(component.spec, Built)
    stored = restore_parts(registry, component.spec, entry["options"], entry)
    values = component.migrate(stored, int(entry["schema"]))
    owner, written = f"{key} {component.spec.name!r}", str(entry.get("version", ""))
    try:
        chosen = options.read(component.spec.options, values, f"{key}.", owner)
        return make_choice(registry, component, chosen, f"{key}.")
    except UsageError as error:
        if written == component.plugin.version or not RELEASE.fullmatch(written):
            raise
        words = str(error)
    plugin, here = component.plugin.distribution or component.plugin.name, component.plugin.version or "another"
    raise MissingPlugin(
        f"{owner} was stored by {plugin} {written}, but {here} is installed, which has other options ({words}): "
        f"upgrade {plugin}"
    )


def restore_parts(
    registry: Registry, spec: Built, values: Mapping[str, Any], entry: Mapping[str, Any]
) -> dict[str, Any]:
    """Return stored options in which named components have their present names, and settings of their present schema.

    Args:
        registry: The registry of the named components.
        spec: The spec of the component that has the options.
        values: The stored options by name.
        entry: The stored entry, whose ``parts`` are the origins of the components that the options name.

    Raises:
        MissingPlugin: A named component is not installed, or it is older than its stored settings.
    """
    restored = dict(values)
    for option, nested in list_nested(spec.options):
        part = entry.get("parts", {}).get(option.name)
        if part is None:  # the option names nothing, or an earlier version stored it
            continue
        component = resolve_stored_component(registry, KEYS[nested.kind].name, part)
        assert isinstance(component.spec, Built)
        restored[option.name] = component.qualified
        if nested.settings:
            texts = convert(tuple[str, ...], values[nested.settings])
            texts_by_name = parse_settings(texts, f"{nested.kind} {component.spec.name!r}")
            settings = {name: _guess_value(text) for name, text in texts_by_name.items()}  # as `migrate` expects them
            present = component.migrate(restore_parts(registry, component.spec, settings, part), int(part["schema"]))
            restored[nested.settings] = format_settings({name: options.to_text(each) for name, each in present.items()})
    return restored


def _guess_value(text: str) -> object:
    """Return the value that `options.to_text` wrote: a number, true, false or none; a text and a list as they are."""
    try:
        return {"true": True, "false": False, "none": None}[text]
    except KeyError:
        pass
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return parse_number(text)
    except ValueError:
        return text


def resolve_stored_component(registry: Registry, key: str, entry: Mapping[str, Any]) -> RegisteredComponent:
    """Return the component that a stored entry names; raise MissingPlugin, with the way to get it, if it is missing."""
    name, kind = str(entry["name"]), (ONE | MANY | {EXTRACTOR.name: EXTRACTOR.kind})[key]
    try:
        return registry.resolve(kind, name)
    except (UsageError, MissingPlugin):
        there = ", ".join(other.spec.name for other in registry.components(kind)) or "none"
        remedy = _suggest_install(str(entry["distribution"]), str(entry["version"]))
        raise MissingPlugin(
            f"the stored recipe uses {key} {name!r}, which is not installed ({PLURALS[kind]} here: {there}): {remedy}"
        ) from None


def _suggest_install(source: str, version: str) -> str:
    """Say how to install a plugin from its distribution or file. Both texts may come from a stranger."""
    if source.endswith(".py"):
        return f"add --plugin {shlex.quote(source)}"
    if not re.fullmatch(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", source, re.ASCII):
        return "install the plugin that offers it"
    if source == "ganzoo":
        return "it is ganzoo's own: python -m pip install -U ganzoo"
    release = f" {version}" if RELEASE.fullmatch(version) else ""
    return f"it is said to come from {source}{release}; if you trust that package, python -m pip install -U {source}"
