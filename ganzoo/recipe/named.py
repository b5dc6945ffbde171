"""Named recipes as layers of settings, which may depend on the data and the device."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganzoo.errors import UsageError
from ganzoo.plugin import DataFacts, DataInfo, Recipe
from ganzoo.plugin.options import list_options
from ganzoo.recipe.keys import make_options_prefix
from ganzoo.recipe.layers import Layer
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent

SIZE = "dataset.size"


@dataclass(frozen=True)
class Facts:
    """The facts that a recipe's settings may depend on.

    Args:
        data: A description of the chosen dataset's samples.
        device: The type of the device: ``cpu``, ``cuda`` ...
        look: Returns what is known of samples and machine; it is called only for a recipe that looks at them.
    """

    data: DataInfo
    device: str
    look: Callable[[], DataFacts] = DataFacts


def choose_default_recipe(registry: Registry, recipe: str | None, settings: Mapping[str, Any]) -> str | None:
    """Return the name of the recipe that a training starts from; None for none.

    Args:
        registry: The registry of the recipes.
        recipe: The name that the user gave; None if they gave none.
        settings: The settings that the user gave. If they choose data and no architecture, the recipe is the one whose
            spec says ``default=True``.
    """
    if recipe is not None or "dataset" not in settings or "arch" in settings:
        return recipe
    found = [entry for entry in registry.components("recipe") if isinstance(entry.spec, Recipe) and entry.spec.default]
    if len(found) > 1:
        names = ", ".join(entry.qualified for entry in found)
        raise UsageError(f"several recipes are the default ({names}): choose one with --recipe NAME")
    return found[0].qualified if found else None


def make_recipe_layer(component: RegisteredComponent, facts: Callable[[], Facts], chosen: Container[str] = ()) -> Layer:
    """Return the settings of a recipe component as a layer.

    Args:
        component: The recipe whose settings are wanted.
        facts: Returns the facts; it is called only if the settings depend on them.
        chosen: The keys that are chosen already. Of these, a recipe that looks at the data learns ``dataset.size``.

    Raises:
        GanzooError: The recipe's callable fails; the text names its plugin.
    """
    assert isinstance(component.spec, Recipe)
    origin = f"recipe {component.spec.name!r}"
    if not isinstance(component.spec.settings, str):
        return Layer(origin, component.spec.settings, preset=component.qualified)
    known = facts()
    shape = "x".join(map(str, known.data.shape))
    look = known.look() if component.spec.looks else DataFacts()
    look = replace(look, resizable=look.resizable and SIZE not in chosen)
    found = component.compute_settings(known.data, known.device, look)
    origin = f"{origin} on {known.device}" if component.spec.looks else f"{origin} for {shape} on {known.device}"
    return Layer(
        origin, found.settings, preset=component.qualified, reasons=found.reasons, follows=component.spec.looks
    )


def choose_published_dataset(registry: Registry, component: RegisteredComponent) -> Layer:
    """Return a layer that chooses the dataset that a recipe was published for.

    Raises:
        UsageError: The dataset is not installed; the text says how to name the data.
    """
    spec = component.spec
    assert isinstance(spec, Recipe)
    installed = {name for entry in registry.components("dataset") for name in (entry.spec.name, *entry.spec.aliases)}
    if spec.dataset not in installed:
        source = f" ({spec.source} says which)" if spec.source else ""
        raise UsageError(
            f"recipe {spec.name!r} was published for {spec.dataset}, which is not installed: "
            f"get its files{source} and add --dataset PATH, or train on other data with --dataset NAME"
        )
    return Layer(f"recipe {spec.name!r}", {"dataset": spec.dataset})


def drop_unknown_options(layer: Layer, dataset: Choice) -> Layer:
    """Remove the settings of a recipe for options that the chosen dataset does not have."""
    prefix, known = make_options_prefix("dataset", dataset.name), list_options(dataset.spec.options)
    foreign = {key for key in layer.values if key.startswith(prefix) and key.removeprefix(prefix) not in known}
    return replace(layer, values={key: value for key, value in layer.values.items() if key not in foreign})
