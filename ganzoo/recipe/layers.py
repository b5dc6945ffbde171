"""Layers of settings: what each source says of a run, before they are folded into one recipe (`resolve`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import Corrupt
from ganzoo.plugin import Architecture, Loss
from ganzoo.plugin.options import list_options
from ganzoo.recipe.keys import EXTRACTOR, MANY, ONE
from ganzoo.recipe.recipe import flatten_recipe
from ganzoo.recipe.stored import check_format, load_json, resolve_stored_component
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent


@dataclass(frozen=True)
class Layer:
    """What one source says.

    Args:
        origin: Of its values, in words.
        values: By key.
        is_typed: Whether a person typed it for this very run, so that a key that nothing takes is a mistake.
        schemas: The schema that a stored component's options were written with, by the component's key.
        preset: The named recipe that it is, or that a stored one began from, as ``plugin:name``.
    """

    origin: str
    values: Mapping[str, Any]
    is_typed: bool = False
    schemas: Mapping[str, int] = field(default_factory=dict)
    preset: str = ""


def list_names(component: RegisteredComponent) -> set[str]:
    """Return all names that mean a component."""
    return {component.qualified, component.spec.name, *component.spec.aliases}


def get_last(layers: list[Layer], key: str) -> Any:
    """Return what the last layer that says something of a key says; None where none does."""
    return next((layer.values[key] for layer in reversed(layers) if layer.values.get(key) is not None), None)


# ----------------------------------------------------------------------------
# What architecture and loss recommend.


def collect_recommended(registry: Registry, architecture: Architecture, chosen: Any) -> list[Layer]:
    """Return what an architecture recommends and what the loss that is used with it does; the last one counts more.

    That is the loss, for which the architecture did not choose its settings; but where it recommends that very loss,
    it did, and counts more itself.

    Args:
        registry: Where the loss is looked up.
        architecture: The one in use.
        chosen: The loss's name, as a person or a recipe says it; None for the one that the architecture recommends.
    """
    own, layer = architecture.recommended.get("loss"), Layer(f"arch {architecture.name!r}", architecture.recommended)
    if chosen is None and own is None:
        return [layer]
    loss = registry.resolve("loss", str(own if chosen is None else chosen))
    assert isinstance(loss.spec, Loss)
    fitting = {
        key: value
        for key, value in loss.spec.recommended.items()
        if _is_applicable(architecture, loss.spec, key, value)
    }
    of_loss = Layer(f"loss {loss.spec.name!r}", fitting)
    return [of_loss, layer] if own in list_names(loss) else [layer, of_loss]


def _is_applicable(architecture: Architecture, loss: Loss, key: str, value: object) -> bool:
    """Whether what a loss recommends can be said beside what an architecture has and recommends.

    ``arch.*`` can where the architecture has that option and takes the value, ``optim.*`` where the architecture's
    optimizer is the one that the loss speaks of: Adam, unless it names another.
    """
    head, _, name = key.partition(".")
    if head == "optim":
        chosen = f"optim.{name.partition('.')[0]}.name"
        return chosen in loss.recommended or str(architecture.recommended.get(chosen, "adam")).lower() == "adam"
    if head == "arch":
        try:
            list_options(architecture.options)[name].read(value)
        except (KeyError, ValueError):
            return False
    return True


# ----------------------------------------------------------------------------
# A stored recipe as a layer.


def load_stored(registry: Registry, config: Path | Mapping[str, Any]) -> Layer:
    """Return a stored recipe as a layer, once every component that it names is found."""
    found = load_json(config) if isinstance(config, Path) else check_format(config, "the stored recipe")
    try:
        if isinstance(config, Path) and not found.keys() & {"loss", "dataset", "optim", "train"}:
            return _load_imported(registry, config, found["arch"])
        one = {key: _rename_component(registry, key, found[key]) for key in ONE}
        many = {key: [_rename_component(registry, key, entry) for entry in found[key]] for key in MANY}
        flat, schemas = flatten_recipe({**found, **one, **many})
        flat[EXTRACTOR.name] = [
            entry[EXTRACTOR.name]["name"] for key in many for entry in many[key] if EXTRACTOR.name in entry
        ]
        auto = {f"train.{name}": "auto" for name in found.get("auto", ())}
        preset = str(found.get("preset", ""))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise Corrupt(f"the stored recipe is damaged: {type(error).__name__} {error}") from None
    if not isinstance(config, Path):
        return Layer("run", flat, schemas=schemas, preset=preset)
    if not re.search(r"[/\\:]", flat.get("train.init") or "/"):
        flat["train.init"] = None  # what a package keeps of a path that was another machine's
    return Layer(f"config {config}", flat | auto, schemas=schemas, preset=preset)  # this machine may be another


def _load_imported(registry: Registry, config: Path, entry: Mapping[str, Any]) -> Layer:
    """Return the recipe of an imported model, which says its architecture alone: how it was trained is not known."""
    arch = _rename_component(registry, "arch", entry)
    flat = {"arch": arch["name"]} | {f"arch.{name}": value for name, value in arch["options"].items()}
    return Layer(f"config {config}", flat, schemas={"arch.": int(arch["schema"])})


def _rename_component(registry: Registry, key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored entry under the name that its component has now, which may have been an alias."""
    held = (
        {EXTRACTOR.name: _rename_component(registry, EXTRACTOR.name, entry[EXTRACTOR.name])}
        if EXTRACTOR.name in entry
        else {}
    )
    return {**entry, "name": resolve_stored_component(registry, key, entry).qualified, **held}
