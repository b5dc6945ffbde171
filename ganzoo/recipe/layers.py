"""Layers of settings: the settings of each source, before `resolve` combines them to one recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import Corrupt
from ganzoo.plugin import Architecture, Built, Loss
from ganzoo.plugin.options import list_options, to_text
from ganzoo.recipe.keys import EXTRACTOR, MANY, ONE
from ganzoo.recipe.recipe import flatten_recipe
from ganzoo.recipe.stored import check_format, load_json, resolve_stored_component, restore_parts
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent

RUN = "run"  # the origin of settings that a resumed run has stored


@dataclass(frozen=True)
class Layer:
    """The settings of one source.

    Args:
        origin: The source in words, for messages and ``--dry-run``.
        values: The settings by key.
        is_typed: Whether a person typed them for this run. An unused key is an error then.
        schemas: The schema version of each stored component's options, by the prefix of their keys.
        preset: The named recipe that the layer is, or that a stored recipe started from, as ``plugin:name``.
        reasons: Lines on why a named recipe chose its settings.
        follows: Whether its schedules follow the length of the run, if another one than its own is typed.
    """

    origin: str
    values: Mapping[str, Any]
    is_typed: bool = False
    schemas: Mapping[str, int] = field(default_factory=dict)
    preset: str = ""
    reasons: tuple[str, ...] = ()
    follows: bool = False


def list_names(component: RegisteredComponent) -> set[str]:
    """Return all names of a component."""
    return {component.qualified, component.spec.name, *component.spec.aliases}


def get_last(layers: list[Layer], key: str) -> Any:
    """Return the value of a key in the last layer that sets it; None if no layer does."""
    return next((layer.values[key] for layer in reversed(layers) if layer.values.get(key) is not None), None)


def describe_reasons(layer: Layer, layers: Sequence[Layer]) -> tuple[str, ...]:
    """Return the reasons of a layer, with a line on what a person typed otherwise."""
    others = {
        key: value
        for each in layers
        if each.is_typed
        for key, value in each.values.items()
        if value is not None and layer.values.get(key, value) != value
    }
    if not layer.reasons or not others:
        return layer.reasons
    return (*layer.reasons, "typed otherwise: " + ", ".join(f"{key}={to_text(value)}" for key, value in others.items()))


# ----------------------------------------------------------------------------
# Recommendations of architecture and loss.


def collect_recommended(registry: Registry, architecture: Architecture, chosen: Any) -> list[Layer]:
    """Return the settings that the architecture and the loss recommend, the more important layer last.

    The loss is more important, because the architecture's settings were not made for it. If the architecture recommends
    this loss itself, its settings were made for it, and the architecture is more important.

    Args:
        registry: The registry of the loss.
        architecture: The chosen architecture, whose recommendations count less than the loss's.
        chosen: The name of the chosen loss; None for the loss that the architecture recommends.
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
    """Return whether a recommendation of a loss applies to an architecture.

    ``arch.*`` applies if the architecture has that option and accepts the value. ``optim.*`` applies if the
    architecture recommends the optimizer that the loss means, which is Adam unless the loss names another.
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
    """Return a stored recipe as a layer. All components that it names must be installed."""
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
        return Layer(RUN, flat, schemas=schemas, preset=preset)
    if not re.search(r"[/\\:]", flat.get("train.init") or "/"):
        flat["train.init"] = None  # a package stores only the last part of a path
    # `auto` is resolved again, because this machine may differ from the one that the recipe was resolved for
    return Layer(f"config {config}", flat | auto, schemas=schemas, preset=preset)


def _load_imported(registry: Registry, config: Path, entry: Mapping[str, Any]) -> Layer:
    """Return the recipe of an imported model. It has only an architecture, because its training is not known."""
    arch = _rename_component(registry, "arch", entry)
    flat = {"arch": arch["name"]} | {f"arch.{name}": value for name, value in arch["options"].items()}
    return Layer(f"config {config}", flat, schemas={"arch.": int(arch["schema"])})


def _rename_component(registry: Registry, key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored entry with the present name of its component; the stored name may be an alias now."""
    held = (
        {EXTRACTOR.name: _rename_component(registry, EXTRACTOR.name, entry[EXTRACTOR.name])}
        if EXTRACTOR.name in entry
        else {}
    )
    component = resolve_stored_component(registry, key, entry)
    assert isinstance(component.spec, Built)
    values = restore_parts(registry, component.spec, entry["options"], entry)
    return {**entry, "name": component.qualified, "options": values, **held}
