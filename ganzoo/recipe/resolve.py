"""From all that was said about a run to one recipe.

Whatever anybody says is a flat mapping of keys to values (``{"arch": "dcgan", "arch.width": 64}``), and comes in
layers, each over the last: the core's defaults, what the architecture recommends, what the loss recommends, a named
recipe, a ``--config`` file, the flags, and ``KEY=VALUE``. `resolve` folds them into a `ResolvedRecipe`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganzoo.errors import UsageError
from ganzoo.plugin import Architecture, Built, Dataset, Metric, Recipe, options
from ganzoo.plugin.options import list_options, make_unknown_key_error
from ganzoo.recipe.check import check_recipe
from ganzoo.recipe.keys import EXTRACTOR, MANY, NETWORKS, ONE, SHORT, make_options_prefix, reads_extractor
from ganzoo.recipe.layers import Layer, collect_recommended, get_last, list_names, load_stored
from ganzoo.recipe.named import Facts, choose_published_dataset, drop_unknown_options, make_recipe_layer
from ganzoo.recipe.recipe import Choice, OptimizerChoice, ResolvedRecipe
from ganzoo.recipe.settings import OPTIMIZERS, TrainOptions
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent


def resolve(
    registry: Registry,
    *,
    recipe: str | None = None,
    config: Path | Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    pairs: Mapping[str, Any] | None = None,
    facts: Callable[[Choice], Facts] | None = None,
) -> ResolvedRecipe:
    """Return the recipe that all layers together mean.

    Args:
        registry: Where names are looked up.
        recipe: Name of a recipe component.
        config: A ``recipe.json``, a run or a model package to start from; or the frozen recipe of a run that goes on.
        flags: What flags said, by key.
        pairs: What ``KEY=VALUE`` said, by key.
        facts: From the chosen dataset to what a recipe's settings may follow from; None where no such recipe is meant.

    Raises:
        UsageError: An unknown name or key, a wrong type, a value out of range, or choices that do not go together.
        MissingPlugin: A stored recipe names a component that is not installed.
    """
    layers = [Layer("flag", flags or {}, is_typed=True), Layer("KEY=VALUE", pairs or {}, is_typed=True)]
    if config is not None:
        layers.insert(0, load_stored(registry, config))
    named = None if recipe is None else registry.resolve("recipe", recipe)
    if named is not None:
        layers = _add_recipe(registry, named, layers, facts)

    arch = get_last(layers, "arch")
    if arch is None:
        names = ", ".join(entry.spec.name for entry in registry.components("architecture"))
        raise UsageError(f"no architecture was chosen: add --arch NAME (installed: {names or 'none'})")
    architecture = registry.resolve("architecture", arch).spec
    assert isinstance(architecture, Architecture)
    folded = _Resolver(registry, [*collect_recommended(registry, architecture, get_last(layers, "loss")), *layers])
    result = folded.make_recipe()
    if isinstance(config, Mapping):  # a run that goes on, on what it was resolved for
        result = replace(result, auto=tuple(config.get("auto", ())))
    result = replace(result, preset=next((layer.preset for layer in layers if layer.preset), ""))
    check_recipe(result)
    return result


def _add_recipe(
    registry: Registry, named: RegisteredComponent, layers: list[Layer], facts: Callable[[Choice], Facts] | None
) -> list[Layer]:
    """Return the layers with those of a named recipe under them."""
    assert isinstance(named.spec, Recipe)
    if named.spec.dataset and get_last(layers, "dataset") is None:
        layers = [choose_published_dataset(registry, named), *layers]

    def dataset() -> Choice:
        return _Resolver(registry, layers).choose_one("dataset")

    def found() -> Facts:
        if facts is None:
            raise ValueError(f"recipe {named.spec.name!r} depends on the data: resolve needs facts")
        return facts(dataset())

    layer = make_recipe_layer(named, found)
    return [drop_unknown_options(layer, dataset()) if named.spec.dataset else layer, *layers]


def parse_dataset_flag(registry: Registry, text: str) -> dict[str, str]:
    """Return what ``--dataset`` says: the name of a component, or a path for the one that opens paths."""
    known = {name for entry in registry.components("dataset") for name in (entry.spec.name, *entry.spec.aliases)}
    separated = any(sep in text for sep in (os.sep, os.altsep) if sep)
    like_a_file = "." in text and ":" not in text  # no name holds a dot, but that of a plugin's distribution
    if text in known or not (separated or like_a_file or os.path.exists(text)):
        return {"dataset": text}
    opener = registry.resolve_path_dataset(text)
    assert isinstance(opener.spec, Dataset)
    return {"dataset": opener.qualified, f"dataset.{opener.spec.path_option}": text}


def make_path_absolute(spec: Built, chosen: Any) -> Any:
    """Return a component's options with an absolute path, so that a run can be resumed from any folder."""
    path = spec.path_option if isinstance(spec, Dataset) else ""
    if not (path and getattr(chosen, path)):
        return chosen
    return replace(chosen, **{path: os.path.abspath(os.path.expanduser(getattr(chosen, path)))})


def resolve_extractor(registry: Registry, spec: Built, name: str | None) -> RegisteredComponent:
    """Return the extractor that a component holds: the one of this name, or else its own choice."""
    assert isinstance(spec, Metric)
    if not (name or spec.extractor):
        installed = ", ".join(entry.spec.name for entry in registry.components(EXTRACTOR.kind))
        raise UsageError(
            f"metric {spec.name!r} reads {spec.reads} of an extractor: add metric.{spec.name}.extractor=NAME "
            f"(installed: {installed or 'none'})"
        )
    return registry.resolve(EXTRACTOR.kind, str(name or spec.extractor))


class _Resolver:
    """The folding of layers into one recipe; `used` collects the keys that something took."""

    def __init__(self, registry: Registry, layers: list[Layer]) -> None:
        self.registry = registry
        self.layers = layers
        self.used: set[str] = set()
        self.origins: dict[str, str] = {}

    def make_recipe(self) -> ResolvedRecipe:
        one: dict[str, Any] = {key: self.choose_one(key) for key in ONE}
        many: dict[str, Any] = {key: self.choose_many(key) for key in MANY}
        optim_g, optim_d = (self.choose_optimizer(network) for network in NETWORKS)
        train = self.read_options(TrainOptions, "train.", "train")
        result = ResolvedRecipe(**one, **many, optim_g=optim_g, optim_d=optim_d, train=train, origins=self.origins)
        self.refuse_unused(result)
        return result

    def choose_one(self, key: str) -> Choice:
        """Return the component chosen under `arch`, `loss` or `dataset`."""
        name = self.get_value(key)
        if name is None and key == "dataset":
            component = self.registry.resolve_default_dataset()
        elif name is None:
            raise UsageError(f"no {ONE[key]} was chosen: add --{key} NAME (`ganzoo list {ONE[key]}` shows them)")
        else:
            component = self.registry.resolve(ONE[key], str(name))
        return self.make_choice(key, component)

    def choose_many(self, key: str) -> tuple[Choice, ...]:
        """Return the components chosen under a plural key; ``none`` clears."""
        names = _parse_names(self.get_value(key))
        components = [self.registry.resolve(MANY[key], name) for name in names]
        if len({component.spec.name for component in components}) != len(components):
            raise UsageError(f"{key}={','.join(names)} names the same {MANY[key]} twice: keep one of each name")
        return tuple(self.make_choice(key, component) for component in components)

    def make_choice(self, key: str, component: RegisteredComponent) -> Choice:
        spec = component.spec
        assert isinstance(spec, Built)
        chosen = self.read_options(
            spec.options, make_options_prefix(spec.kind, spec.name), f"{key} {spec.name!r}", key, component
        )
        return Choice(
            component, make_path_absolute(spec, chosen), self.choose_extractor(spec) if reads_extractor(spec) else None
        )

    def choose_extractor(self, spec: Built) -> Choice:
        """Return the extractor that a component holds."""
        said = self.get_value(make_options_prefix(spec.kind, spec.name) + EXTRACTOR.name)
        return self.make_choice(EXTRACTOR.name, resolve_extractor(self.registry, spec, said))

    def choose_optimizer(self, network: str) -> OptimizerChoice:
        """Return one network's optimizer."""
        key = f"optim.{network}.name"
        name = str(self.get_value(key, "adam")).lower()
        if name not in OPTIMIZERS:
            raise UsageError(f"{key}={name}: torch.optim's are {', '.join(OPTIMIZERS)}")
        owner = f"optimizer {name!r}"
        return OptimizerChoice(name, self.read_options(OPTIMIZERS[name], f"optim.{network}.", owner, key, name))

    def get_value(self, key: str, default: Any = None) -> Any:
        """Return the last layer's value of a key, and note it as used."""
        self.used.add(key)
        found = [layer for layer in self.layers if layer.values.get(key) is not None]
        self.origins[key] = found[-1].origin if found else "default"
        return found[-1].values[key] if found else default

    def read_options(self, cls: type, prefix: str, owner: str, key: str = "", chosen: object = None) -> Any:
        """Return the options object under a prefix: each layer's values over the last's.

        A layer that was written for another component under `key` spoke of that one: its options fall away.
        """
        values: dict[str, object] = {}
        for layer in self.layers:
            said = {name[len(prefix) :]: value for name, value in layer.values.items() if name.startswith(prefix)}
            held = isinstance(chosen, RegisteredComponent) and reads_extractor(chosen.spec)
            said.pop("name" if prefix.startswith("optim.") else EXTRACTOR.name if held else "", None)
            if not (said or prefix in layer.schemas):
                continue
            if not layer.is_typed and self.names_another_component(layer, key, chosen):
                continue
            if isinstance(chosen, RegisteredComponent) and prefix in layer.schemas:
                migrated = chosen.migrate(said, layer.schemas[prefix])
                said = options.to_json(cls()) | dict(migrated)  # what was stored without an option had its default
            for name in said:
                if name not in list_options(cls):
                    if layer.is_typed and prefix + name in SHORT:
                        typed = f"--{SHORT[prefix + name]}" if layer.origin == "flag" else prefix + name
                        raise UsageError(f"{typed}: {owner} has no {name} to choose: remove {typed}")
                    source = "" if layer.is_typed else f" (from {layer.origin})"
                    raise make_unknown_key_error(
                        prefix + name, [prefix + known for known in list_options(cls)], owner + source
                    )
                self.origins[prefix + name] = layer.origin
            self.used |= {prefix + name for name in said}
            values |= said
        return options.read(cls, values, prefix, owner)

    def names_another_component(self, layer: Layer, key: str, chosen: object) -> bool:
        """Whether `chosen` is other than what the layer, or else those under it, had chosen under `key`."""
        own = get_last(self.layers[: self.layers.index(layer) + 1], key)
        if own is None and key.startswith("optim."):
            own = "adam"
        if own is None:
            return False
        if isinstance(chosen, RegisteredComponent):
            return not list_names(chosen) & set(_parse_names(own))
        return str(own).lower() != chosen

    def refuse_unused(self, recipe: ResolvedRecipe) -> None:
        """Raise UsageError for a key that a person typed and nothing uses."""
        known = list(recipe.settings())
        for layer in self.layers:
            for key in layer.values.keys() - self.used if layer.is_typed else ():
                raise make_unused_key_error(key, recipe.choices, known, "a recipe")


def make_unused_key_error(key: str, choices: Iterable[Choice], known: Iterable[str], owner: str) -> UsageError:
    """Return the error for a key that no part takes.

    Args:
        key: As a person typed it.
        choices: The parts; extractors that they hold are among them.
        known: The keys that they take.
        owner: What takes them, in words.
    """
    head, _, rest = key.partition(".")
    name, dot, option = rest.partition(".")
    kind = (MANY | {EXTRACTOR.name: EXTRACTOR.kind}).get(head)
    if kind is None or not (dot or head == EXTRACTOR.name):
        return make_unknown_key_error(key, known, owner)
    for choice in (part for each in choices for part in (each, each.extractor) if part):
        if choice.spec.kind == kind and name in (choice.component.qualified, *choice.spec.aliases):
            return UsageError(f"{key}: write {make_options_prefix(kind, choice.name)}{option}")
    if head == EXTRACTOR.name:
        name = name or "NAME"
        return UsageError(f"{key}: no metric reads extractor {name!r}: add metric.NAME.extractor={name}")
    return UsageError(f"{key}: {kind} {name!r} is not in use: add --{head} {name}")


def _parse_names(value: Any) -> list[str]:
    """Return the names in a plural key's value, text with commas or a sequence; ``none`` clears those before it."""
    parts = options.split_list(value) if isinstance(value, str) else list(value or ())
    names: list[str] = []
    for part in parts:
        names = [] if part == "none" else [*names, part]
    return names
