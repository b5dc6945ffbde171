"""Discovery of plugins, isolation of broken plugins, and the resolution of names to components.

Each plugin is loaded in a try of its own: a broken plugin costs its own components and one line of warning, but not the
components of others. If two plugins offer the same name, both are listed, and only the qualified names resolve.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import logging
import os
import reprlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from typing import Any

import pluggy

from ganzoo.errors import GanzooError, MissingPlugin, NotFound, UsageError, suggest_names
from ganzoo.plugin import KINDS, Built, Component, DataInfo, Dataset, hookspecs
from ganzoo.plugin.options import read
from ganzoo.plugin.specs import SPECS
from ganzoo.registry.failures import describe_error, locate_definition, locate_error
from ganzoo.registry.installed import Plugin, RegisteredComponent
from ganzoo.registry.similar import suggest_component

GROUP = "ganzoo"
PLURALS = {kind: kind.removesuffix("is") + ("es" if kind.endswith("s") else "s") for kind in KINDS}
HOOKS = {f"ganzoo_{plural}" for plural in PLURALS.values()}

log = logging.getLogger("ganzoo")


class Registry:
    """All plugins that were found, and their components."""

    def __init__(self) -> None:
        self._plugins: dict[str, Plugin] = {}
        self._components: list[RegisteredComponent] = []
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)

    # ------------------------------------------------------------------------
    # Looking up.

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins, broken ones included, in the order of discovery."""
        return tuple(self._plugins.values())

    def components(self, kind: str | None = None) -> tuple[RegisteredComponent, ...]:
        """Return the components of a kind (all kinds where None is given), in the order of discovery."""
        found = [entry for entry in self._components if kind in (None, entry.spec.kind)]
        return tuple(replace(entry, plugin=self._plugins[entry.plugin.name]) for entry in found)

    def resolve(self, kind: str, text: str) -> RegisteredComponent:
        """Return the component of a name or alias, either bare (``dcgan``) or qualified (``acme:blobgan``).

        Raises:
            UsageError: No component has that name (the text says what is similar), or several plugins offer it.
            MissingPlugin: The name is qualified by a plugin that is not installed.
        """
        plugin, _, name = text.rpartition(":")
        found = [
            entry
            for entry in self.components(kind)
            if name in (entry.spec.name, *entry.spec.aliases)
            and plugin in ("", entry.plugin.name, entry.plugin.name.partition("@")[0])
        ]
        if len(found) == 1:
            return found[0]
        if found:
            choices = " or ".join(entry.qualified for entry in found)
            raise UsageError(f"{kind} {name!r} is offered by more than one plugin: write {choices}")
        if plugin and plugin not in self._plugins:
            raise MissingPlugin(f"{kind} {text!r} needs the plugin {plugin!r}, which is not installed")
        broken = [entry.name for entry in self.plugins if entry.error]
        hint = suggest_component(self.components(), name, kind) or f"; `ganzoo list {kind}` shows what is installed"
        hint += f" (plugins that failed to load: {', '.join(broken)}; see `ganzoo plugins`)" if broken else ""
        raise UsageError(f"no {kind} {text!r} is installed{hint}")

    def resolve_default_dataset(self) -> RegisteredComponent:
        """Return the dataset that is used if the user names none."""
        return self._find_only_dataset(lambda spec: spec.default, "is the default: write --dataset NAME")

    def resolve_path_dataset(self, path: str = "") -> RegisteredComponent:
        """Return the dataset that ``--dataset PATH`` means: the one of its suffix, or else of all suffixes."""
        specs = [entry.spec for entry in self.components("dataset")]
        claimed = any(isinstance(spec, Dataset) and spec.claims(path) for spec in specs)
        return self._find_only_dataset(
            lambda spec: (
                bool(spec.path_option)
                and spec.opens_paths
                and (spec.claims(path) if claimed else not spec.path_suffixes)
            ),
            f"opens {path!r}: write --dataset NAME dataset.KEY=PATH",
        )

    def _find_only_dataset(self, wanted: Callable[[Dataset], bool], otherwise: str) -> RegisteredComponent:
        found = [
            entry for entry in self.components("dataset") if isinstance(entry.spec, Dataset) and wanted(entry.spec)
        ]
        if len(found) != 1:
            count = "no" if not found else "more than one"
            raise UsageError(f"{count} installed dataset {otherwise}")
        return found[0]

    # ------------------------------------------------------------------------
    # Adding plugins.

    def add(self, plugin: Plugin, load: Callable[[], Any], tell: bool = True) -> Plugin:
        """Load a plugin, add its components, and return it with its error or warning.

        An error does not stop other plugins.

        Args:
            plugin: The plugin to add.
            load: Imports the plugin's module and returns it.
            tell: Whether to log the error or the warning.
        """
        if plugin.name in self._plugins:
            error = f"the name {plugin.name!r} is taken by {self._plugins[plugin.name].source}"
            return self._report(replace(plugin, name=f"{plugin.name}@{plugin.source.split()[0]}", error=error), tell)
        light = "torch" not in sys.modules
        try:
            module = load()
            self._manager.register(module, plugin.name)
        except (Exception, SystemExit) as error:
            log.debug("plugin %r failed in its import", plugin.name, exc_info=True)
            return self._report(replace(plugin, error=_describe_load_error(plugin, error)), tell)
        if light and "torch" in sys.modules:
            plugin = replace(plugin, warning="imports torch when it is imported, which makes every command slow")
        errors = [self._collect(plugin, caller) for caller in self._manager.get_hookcallers(module) or []]
        errors += [
            f"{name} is not a hook until @ganzoo.plugin.hookimpl decorates it"
            for name in self._find_undecorated(module)
        ]
        return self._report(replace(plugin, error="; ".join(filter(None, errors))), tell)

    def add_file(self, path: Path) -> Plugin:
        """Load the plugin in a Python file. Its name is the name of the file."""
        if not path.is_file():
            raise NotFound(f"--plugin {path}: this file does not exist")
        if path.suffix != ".py":
            raise UsageError(f"--plugin {path}: give a Python file, whose name ends in .py")
        name, file = path.stem, str(path.resolve())
        if name in sys.modules and getattr(sys.modules[name], "__file__", None) != file:
            raise UsageError(f"--plugin {path}: a module named {name!r} is loaded already: rename the file")
        plugin = self._plugins.get(name) or self.add(
            Plugin(name, name, file=file), lambda: import_file(name, path.resolve()), tell=False
        )
        if plugin.file != file:
            raise UsageError(f"--plugin {path}: a plugin named {name!r} is loaded already: rename the file")
        if plugin.error:
            raise GanzooError(f"--plugin {path} failed: {plugin.error} (-v shows where)")
        return plugin

    def _collect(self, plugin: Plugin, caller: pluggy.HookCaller) -> str:
        """Add the components that one hook of one plugin offers. Return the error in words, or an empty string."""
        if caller.spec is None:
            near = get_close_matches(caller.name, HOOKS, n=1, cutoff=0.85)  # high, because all hooks begin alike
            hint = f"did you mean {near[0]!r}? If not, " if near else ""
            return f"hook {caller.name} is unknown to this version: {hint}upgrade ganzoo"
        kind = next(spec for spec in SPECS if caller.name == f"ganzoo_{PLURALS[spec.kind]}")
        (implementation,) = (impl for impl in caller.get_hookimpls() if impl.plugin_name == plugin.name)
        try:
            returned: Any = implementation.function()
            if not isinstance(returned, Iterable):
                found = "nothing" if returned is None else f"one {type(returned).__name__}"
                raise TypeError(f"returned {found}: write `yield {kind.__name__}(...)`")
            offered: list[Any] = list(returned)
            wrong = [item for item in offered if not isinstance(item, kind)]
            if wrong:
                raise TypeError(f"offered {_describe_item(wrong[0])}, which is not a ganzoo.plugin.{kind.__name__}")
            names = Counter(name for item in offered for name in (item.name, *item.aliases))
            if any(count > 1 for count in names.values()):
                raise ValueError(f"offers the name {names.most_common(1)[0][0]!r} more than once")
        except (Exception, SystemExit) as error:
            log.debug("plugin %r failed in hook %s", plugin.name, caller.name, exc_info=True)
            return f"hook {caller.name}: {describe_error(error, locate_definition(implementation.function))}"
        self._components += [RegisteredComponent(plugin, item) for item in offered]
        return ""

    def _find_undecorated(self, module: Any) -> list[str]:
        """Return the functions with the name of a hook but without the decorator, which would never be called."""
        plugged = self._manager.get_hookcallers(module) or []
        hooks = HOOKS - {caller.name for caller in plugged}
        return sorted(name for name in hooks if inspect.isfunction(getattr(module, name, None)))

    def _report(self, plugin: Plugin, tell: bool) -> Plugin:
        self._plugins[plugin.name] = plugin
        if plugin.error and os.environ.get("GANZOO_STRICT_PLUGINS") == "1":
            raise GanzooError(f"plugin {plugin.name!r} ({plugin.source}): {plugin.error}")
        for text in filter(None, (plugin.error, plugin.warning)) if tell else ():
            log.warning("plugin %r (%s): %s", plugin.name, plugin.source, text)
        return plugin


# ----------------------------------------------------------------------------
# The registry of this process.


@functools.cache
def registry() -> Registry:
    """Return the registry of this process. The first call loads the entry points of the group ``ganzoo``.

    ``GANZOO_DISABLE_PLUGINS=name,...`` (or ``all``) disables plugins. With ``GANZOO_STRICT_PLUGINS=1`` a plugin that
    fails raises an error.
    """
    blocked = {name.strip() for name in os.environ.get("GANZOO_DISABLE_PLUGINS", "").split(",")}
    result = Registry()
    if "all" in blocked:
        return result
    points = sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    clashes = Counter(point.name for point in points)
    facts = {owner: owner.metadata for owner in {point.dist for point in points} if owner}  # each access parses a file
    for point in points:
        distribution, version = (facts[point.dist]["Name"], facts[point.dist]["Version"]) if point.dist else ("", "")
        name = point.name if clashes[point.name] == 1 else f"{point.name}@{distribution}"
        if not {point.name, name} & blocked:
            result.add(Plugin(name, point.value, distribution, version), point.load)
    return result


def register(module: Any) -> Plugin:
    """Add a module, or any object with hook implementations, to the registry of this process.

    Use it for a plugin that has no entry point. Returns the plugin; its `error` is empty if it loaded.
    """
    name = getattr(module, "__name__", type(module).__name__)
    return registry().add(Plugin(name, name, file=getattr(module, "__file__", None) or ""), lambda: module)


def create(kind: str, name: str, /, *, data: DataInfo | None = None, **options: object) -> Any:
    """Return a component's runtime object by kind and name: ``create("loss", "lsgan", a=0.0)``.

    Args:
        kind: The kind of component, as in `ganzoo.plugin.KINDS`.
        name: The name of the component, bare or qualified by its plugin.
        data: A description of the samples. An architecture needs it. By default any other component is built for RGB
            images of 32x32 pixels.
        options: The options that differ from the component's defaults.

    Raises:
        UsageError: The kind has no runtime object, `data` is missing for an architecture, or an option is unknown.
    """
    kind = parse_kind(kind)
    entry = registry().resolve(kind, name)
    if not isinstance(entry.spec, Built):
        raise UsageError(f"a {kind} has no runtime object")
    if kind == "architecture" and data is None:
        raise UsageError("an architecture needs the shape of the samples: add data=ganzoo.DataInfo(shape=(3, 64, 64))")
    values = read(entry.spec.options, options, owner=f"{kind} {name!r}")
    return entry.build(values, data or DataInfo(shape=(3, 32, 32)))


def parse_kind(text: str) -> str:
    """Return the kind of a word: singular, plural (``losses``) or shortened (``arch``)."""
    for kind, plural in PLURALS.items():
        if text in (kind, plural) or (len(text) > 2 and kind.startswith(text)):
            return kind
    raise UsageError(f"there is no kind {text!r}{suggest_names(text, KINDS) or '; the kinds are ' + ', '.join(KINDS)}")


def import_file(name: str, path: Path) -> Any:
    """Import the Python file at a path under this module name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _describe_load_error(plugin: Plugin, error: BaseException) -> str:
    """Say why a plugin did not load. If no line of the plugin is the cause, name its entry point."""
    if isinstance(error, pluggy.PluginValidationError):
        hook = " ".join(str(error).split()).partition("hookimpl definition: ")[2].partition(" Argument(s)")[0]
        line = locate_definition(getattr(error.plugin, hook.partition("(")[0], None))
        return f"a hook takes no arguments, but this one does: {hook} ({line})"
    words = describe_error(error)
    if plugin.distribution and not locate_error(error):
        words += f" (the entry point is {plugin.name} = {plugin.module!r})"
    return words


def _describe_item(item: object) -> str:
    """Describe an object that a hook returned in a word or two."""
    return f"{type(item).__name__} {item.name!r}" if isinstance(item, Component) else reprlib.repr(item)
