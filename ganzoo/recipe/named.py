"""Named recipes as layers of settings, which may depend on the data and the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo, Recipe
from ganzoo.plugin.options import list_options
from ganzoo.recipe.keys import make_options_prefix
from ganzoo.recipe.layers import Layer
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent


@dataclass(frozen=True)
class Facts:
    """The facts that a recipe's settings may depend on.

    Args:
        data: A description of the chosen dataset's samples.
        device: The type of the device: ``cpu``, ``cuda`` ...
    """

    data: DataInfo
    device: str


def make_recipe_layer(component: RegisteredComponent, facts: Callable[[], Facts]) -> Layer:
    """Return the settings of a recipe component as a layer.

    Args:
        component: The recipe whose settings are wanted.
        facts: Returns the facts; it is called only if the settings depend on them.

    Raises:
        GanzooError: The recipe's callable fails; the text names its plugin.
    """
    assert isinstance(component.spec, Recipe)
    origin = f"recipe {component.spec.name!r}"
    if not isinstance(component.spec.settings, str):
        return Layer(origin, component.spec.settings, preset=component.qualified)
    known = facts()
    shape = "x".join(map(str, known.data.shape))
    settings = component.compute_settings(known.data, known.device)
    return Layer(f"{origin} for {shape} on {known.device}", settings, preset=component.qualified)


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
