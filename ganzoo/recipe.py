"""Recipes: what is trained and how, complete and checked; frozen as JSON and read back.

A frozen recipe says of every component where it came from and with which schema its options were written, so that a
later version can migrate them, and an installation that lacks it can say how to get it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from ganzoo import options
from ganzoo.errors import Corrupt, GanzooError, MissingPlugin, NotFound, UsageError
from ganzoo.installed import Registered
from ganzoo.plugin import Architecture, Built
from ganzoo.registry import PLURALS, Registry
from ganzoo.settings import TrainOptions

FORMAT = 1
RELEASE = re.compile(r"\d[\w.+!]*", re.ASCII)  # a version, nothing that a shell or terminal acts on
ONE = {"arch": "architecture", "loss": "loss", "dataset": "dataset"}
MANY = {"reg": "regularizer", "aug": "augmentation", "metric": "metric", "tracker": "tracker"}
NETWORKS = ("g", "d")


@dataclass(frozen=True)
class Choice:
    """A component that a recipe chose, with its options."""

    component: Registered
    options: Any

    @property
    def spec(self) -> Built:
        """The component's spec."""
        assert isinstance(self.component.spec, Built)
        return self.component.spec

    @property
    def name(self) -> str:
        """The component's bare name."""
        return self.spec.name

    def build(self, *args: object) -> Any:
        """Return the runtime object."""
        return self.component.build(self.options, *args)

    def to_json(self) -> dict[str, Any]:
        """Return the choice with its provenance: plugin, distribution and version, schema of the options."""
        plugin = self.component.plugin
        return {
            "name": self.component.qualified,
            "distribution": plugin.distribution or plugin.file,
            "version": plugin.version,
            "schema": self.spec.version,
            "options": options.to_json(self.options),
        }


@dataclass(frozen=True)
class Optimizer:
    """The optimizer of one network: its name in `OPTIMIZERS` and its options."""

    name: str
    options: Any

    def to_json(self) -> dict[str, Any]:
        """Return name and options."""
        return {"name": self.name, **options.to_json(self.options)}


@dataclass(frozen=True)
class Recipe:
    """The complete, resolved, JSON-serialisable choice of components, their options and the training settings."""

    arch: Choice
    loss: Choice
    dataset: Choice
    reg: tuple[Choice, ...]
    aug: tuple[Choice, ...]
    metric: tuple[Choice, ...]
    tracker: tuple[Choice, ...]
    optim_g: Optimizer
    optim_d: Optimizer
    train: TrainOptions
    auto: tuple[str, ...] = ()  # keys of `train.` that were "auto" before they were resolved for the device
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def architecture(self) -> Architecture:
        """The architecture's spec."""
        assert isinstance(self.arch.spec, Architecture)
        return self.arch.spec

    @property
    def choices(self) -> tuple[Choice, ...]:
        """All components."""
        return (self.arch, self.loss, self.dataset, *self.reg, *self.aug, *self.metric, *self.tracker)

    def to_json(self) -> dict[str, Any]:
        """Return the frozen recipe, as `recipe.json` and a package's ``config.json`` hold it."""
        return {
            "format": FORMAT,
            "ganzoo": metadata.version("ganzoo"),
            **{key: getattr(self, key).to_json() for key in ONE},
            **{key: [choice.to_json() for choice in getattr(self, key)] for key in MANY},
            "optim": {"g": self.optim_g.to_json(), "d": self.optim_d.to_json()},
            "train": options.to_json(self.train),
            "auto": list(self.auto),
        }

    def settings(self) -> dict[str, Any]:
        """Return every setting by the key that sets it, in the order in which a person reads them."""
        flat, _ = by_key(self.to_json())
        for key in (*ONE, *MANY):
            chosen = getattr(self, key)
            flat[key] = chosen.name if isinstance(chosen, Choice) else ",".join(c.name for c in chosen) or "none"
        return flat


# ----------------------------------------------------------------------------
# Reading a stored recipe back.


def load_json(source: Path) -> dict[str, Any]:
    """Return the frozen recipe in a ``recipe.json``, a run or a model package.

    Raises:
        NotFound: There is none at that path.
        Corrupt: The file is no JSON.
        GanzooError: It was written by a newer ganzoo.
    """
    candidates = [source / "recipe.json", source / "config.json"] if source.is_dir() else [source]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise NotFound(f"{source} holds no recipe: name a recipe.json, a run or a model package")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return readable(stored.get("recipe", stored), str(path))
    except (ValueError, AttributeError, RecursionError):
        raise Corrupt(f"{path} is damaged or no recipe of ganzoo") from None


def readable(stored: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return a stored recipe whose format this version reads."""
    try:
        written = int(stored["format"])
    except (ValueError, KeyError, TypeError, OverflowError):
        raise Corrupt(f"{source} is damaged or no recipe of ganzoo") from None
    if written > FORMAT:
        raise GanzooError(
            f"{source} was written by a newer ganzoo ({stored.get('ganzoo')}): python -m pip install -U ganzoo"
        )
    return dict(stored)


def stored_choice(registry: Registry, key: str, entry: Mapping[str, Any]) -> Choice:
    """Return one component of a stored recipe (``recipe["arch"]``) with its options, migrated to this version.

    Raises:
        MissingPlugin: It is not installed, or older than what was stored.
    """
    component = stored_component(registry, key, entry)
    assert isinstance(component.spec, Built)
    values = component.migrate(entry["options"], int(entry["schema"]))
    owner, written = f"{key} {component.spec.name!r}", str(entry.get("version", ""))
    try:
        return Choice(component, options.read(component.spec.options, values, f"{key}.", owner))
    except UsageError as error:
        if written == component.plugin.version or not RELEASE.fullmatch(written):
            raise
        words = str(error)
    plugin, here = component.plugin.distribution or component.plugin.name, component.plugin.version or "another"
    raise MissingPlugin(
        f"{owner} was stored by {plugin} {written}, and {here} is here, which takes other options ({words}): "
        f"upgrade {plugin}"
    )


def stored_component(registry: Registry, key: str, entry: Mapping[str, Any]) -> Registered:
    """Return the component that a stored entry names, or say how to get it."""
    name = str(entry["name"])
    try:
        return registry.resolve((ONE | MANY)[key], name)
    except (UsageError, MissingPlugin):
        kind = (ONE | MANY)[key]
        there = ", ".join(other.spec.name for other in registry.components(kind)) or "none"
        remedy = _how_to_get(str(entry["distribution"]), str(entry["version"]))
        raise MissingPlugin(
            f"the stored recipe uses {key} {name!r}, which is not installed ({PLURALS[kind]} here: {there}): {remedy}"
        ) from None


def _how_to_get(source: str, version: str) -> str:
    """Return what gives a plugin that came from a distribution or a file; the text may come from a stranger."""
    if source.endswith(".py"):
        return f"add --plugin {shlex.quote(source)}"
    if not re.fullmatch(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", source, re.ASCII):
        return "install the plugin that offers it"
    if source == "ganzoo":
        return "it is ganzoo's own: python -m pip install -U ganzoo"
    release = f" {version}" if RELEASE.fullmatch(version) else ""
    return f"it is said to come from {source}{release}; if you trust that package, python -m pip install -U {source}"


def by_key(stored: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return a frozen recipe by key, and the schemas that its components' options were written with by prefix."""
    flat: dict[str, Any] = {}
    schemas: dict[str, int] = {}

    def add(prefix: str, entry: Mapping[str, Any]) -> None:
        flat.update({prefix + name: value for name, value in entry["options"].items()})
        schemas[prefix] = int(entry["schema"])

    for key in ONE:
        flat[key] = stored[key]["name"]
        add(f"{key}.", stored[key])
    for key in MANY:
        flat[key] = tuple(entry["name"] for entry in stored[key])
        for entry in stored[key]:
            add(f"{key}.{entry['name'].rpartition(':')[2]}.", entry)
    for network in NETWORKS:
        flat.update({f"optim.{network}.{name}": value for name, value in stored["optim"][network].items()})
    flat.update({f"train.{name}": value for name, value in stored["train"].items()})
    return flat, schemas
