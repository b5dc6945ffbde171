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
from ganzoo.recipe.check import check
from ganzoo.recipe.keys import HELD, MANY, NETWORKS, ONE, SHORT, holds_extractor, options_prefix
from ganzoo.recipe.layers import Layer, last, names_of, recommended, stored
from ganzoo.recipe.named import Facts, fitting, named_layer, published_data
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
    layers = [Layer("flag", flags or {}, spoken=True), Layer("KEY=VALUE", pairs or {}, spoken=True)]
    if config is not None:
        layers.insert(0, stored(registry, config))
    named = None if recipe is None else registry.resolve("recipe", recipe)
    if named is not None:
        layers = _with_recipe(registry, named, layers, facts)

    arch = last(layers, "arch")
    if arch is None:
        names = ", ".join(entry.spec.name for entry in registry.components("architecture"))
        raise UsageError(f"no architecture was chosen: add --arch NAME (installed: {names or 'none'})")
    architecture = registry.resolve("architecture", arch).spec
    assert isinstance(architecture, Architecture)
    folded = _Fold(registry, [*recommended(registry, architecture, last(layers, "loss")), *layers])
    result = folded.recipe()
    if isinstance(config, Mapping):  # a run that goes on, on what it was resolved for
        result = replace(result, auto=tuple(config.get("auto", ())))
    result = replace(result, preset=next((layer.preset for layer in layers if layer.preset), ""))
    check(result)
    return result


def _with_recipe(
    registry: Registry, named: RegisteredComponent, layers: list[Layer], facts: Callable[[Choice], Facts] | None
) -> list[Layer]:
    """Return the layers with those of a named recipe under them."""
    assert isinstance(named.spec, Recipe)
    if named.spec.dataset and last(layers, "dataset") is None:
        layers = [published_data(registry, named), *layers]

    def dataset() -> Choice:
        return _Fold(registry, layers).one("dataset")

    def found() -> Facts:
        if facts is None:
            raise ValueError(f"recipe {named.spec.name!r} depends on the data: resolve needs facts")
        return facts(dataset())

    layer = named_layer(named, found)
    return [fitting(layer, dataset()) if named.spec.dataset else layer, *layers]


def dataset_flags(registry: Registry, text: str) -> dict[str, str]:
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


def extractor_of(registry: Registry, spec: Built, name: str | None) -> RegisteredComponent:
    """Return the extractor that a component holds: the one of this name, or else its own choice."""
    assert isinstance(spec, Metric)
    if not (name or spec.extractor):
        installed = ", ".join(entry.spec.name for entry in registry.components(HELD.kind))
        raise UsageError(
            f"metric {spec.name!r} reads {spec.reads} of an extractor: add metric.{spec.name}.extractor=NAME "
            f"(installed: {installed or 'none'})"
        )
    return registry.resolve(HELD.kind, str(name or spec.extractor))


class _Fold:
    """The folding of layers into one recipe; `used` collects the keys that something took."""

    def __init__(self, registry: Registry, layers: list[Layer]) -> None:
        self.registry = registry
        self.layers = layers
        self.used: set[str] = set()
        self.origins: dict[str, str] = {}

    def recipe(self) -> ResolvedRecipe:
        one: dict[str, Any] = {key: self.one(key) for key in ONE}
        many: dict[str, Any] = {key: self.many(key) for key in MANY}
        optim_g, optim_d = (self.optimizer(network) for network in NETWORKS)
        train = self.options(TrainOptions, "train.", "train")
        result = ResolvedRecipe(**one, **many, optim_g=optim_g, optim_d=optim_d, train=train, origins=self.origins)
        self.refuse_unused(result)
        return result

    def one(self, key: str) -> Choice:
        """Return the component chosen under `arch`, `loss` or `dataset`."""
        name = self.value(key)
        if name is None and key == "dataset":
            component = self.registry.resolve_default_dataset()
        elif name is None:
            raise UsageError(f"no {ONE[key]} was chosen: add --{key} NAME (`ganzoo list {ONE[key]}` shows them)")
        else:
            component = self.registry.resolve(ONE[key], str(name))
        return self.choice(key, component)

    def many(self, key: str) -> tuple[Choice, ...]:
        """Return the components chosen under a plural key; ``none`` clears."""
        names = _names(self.value(key))
        components = [self.registry.resolve(MANY[key], name) for name in names]
        if len({component.spec.name for component in components}) != len(components):
            raise UsageError(f"{key}={','.join(names)} names the same {MANY[key]} twice: keep one of each name")
        return tuple(self.choice(key, component) for component in components)

    def choice(self, key: str, component: RegisteredComponent) -> Choice:
        spec = component.spec
        assert isinstance(spec, Built)
        chosen = self.options(
            spec.options, options_prefix(spec.kind, spec.name), f"{key} {spec.name!r}", key, component
        )
        return Choice(
            component, make_path_absolute(spec, chosen), self.extractor(spec) if holds_extractor(spec) else None
        )

    def extractor(self, spec: Built) -> Choice:
        """Return the extractor that a component holds."""
        said = self.value(options_prefix(spec.kind, spec.name) + HELD.name)
        return self.choice(HELD.name, extractor_of(self.registry, spec, said))

    def optimizer(self, network: str) -> OptimizerChoice:
        """Return one network's optimizer."""
        key = f"optim.{network}.name"
        name = str(self.value(key, "adam")).lower()
        if name not in OPTIMIZERS:
            raise UsageError(f"{key}={name}: torch.optim's are {', '.join(OPTIMIZERS)}")
        owner = f"optimizer {name!r}"
        return OptimizerChoice(name, self.options(OPTIMIZERS[name], f"optim.{network}.", owner, key, name))

    def value(self, key: str, default: Any = None) -> Any:
        """Return the last layer's value of a key, and note it as used."""
        self.used.add(key)
        found = [layer for layer in self.layers if layer.values.get(key) is not None]
        self.origins[key] = found[-1].origin if found else "default"
        return found[-1].values[key] if found else default

    def options(self, cls: type, prefix: str, owner: str, key: str = "", chosen: object = None) -> Any:
        """Return the options object under a prefix: each layer's values over the last's.

        A layer that was written for another component under `key` spoke of that one: its options fall away.
        """
        values: dict[str, object] = {}
        for layer in self.layers:
            said = {name[len(prefix) :]: value for name, value in layer.values.items() if name.startswith(prefix)}
            held = isinstance(chosen, RegisteredComponent) and holds_extractor(chosen.spec)
            said.pop("name" if prefix.startswith("optim.") else HELD.name if held else "", None)
            if not (said or prefix in layer.schemas):
                continue
            if not layer.spoken and self.spoke_of_another(layer, key, chosen):
                continue
            if isinstance(chosen, RegisteredComponent) and prefix in layer.schemas:
                migrated = chosen.migrate(said, layer.schemas[prefix])
                said = options.to_json(cls()) | dict(migrated)  # what was stored without an option had its default
            for name in said:
                if name not in list_options(cls):
                    if layer.spoken and prefix + name in SHORT:
                        typed = f"--{SHORT[prefix + name]}" if layer.origin == "flag" else prefix + name
                        raise UsageError(f"{typed}: {owner} has no {name} to choose: remove {typed}")
                    source = "" if layer.spoken else f" (from {layer.origin})"
                    raise make_unknown_key_error(
                        prefix + name, [prefix + known for known in list_options(cls)], owner + source
                    )
                self.origins[prefix + name] = layer.origin
            self.used |= {prefix + name for name in said}
            values |= said
        return options.read(cls, values, prefix, owner)

    def spoke_of_another(self, layer: Layer, key: str, chosen: object) -> bool:
        """Whether `chosen` is other than what the layer, or else those under it, had chosen under `key`."""
        own = last(self.layers[: self.layers.index(layer) + 1], key)
        if own is None and key.startswith("optim."):
            own = "adam"
        if own is None:
            return False
        if isinstance(chosen, RegisteredComponent):
            return not names_of(chosen) & set(_names(own))
        return str(own).lower() != chosen

    def refuse_unused(self, recipe: ResolvedRecipe) -> None:
        """Raise UsageError for a spoken key that nothing took."""
        known = list(recipe.settings())
        for layer in self.layers:
            for key in layer.values.keys() - self.used if layer.spoken else ():
                raise unused_key(key, recipe.choices, known, "a recipe")


def unused_key(key: str, choices: Iterable[Choice], known: Iterable[str], owner: str) -> UsageError:
    """Return the error for a key that no part takes.

    Args:
        key: As a person typed it.
        choices: The parts; extractors that they hold are among them.
        known: The keys that they take.
        owner: What takes them, in words.
    """
    head, _, rest = key.partition(".")
    name, dot, option = rest.partition(".")
    kind = (MANY | {HELD.name: HELD.kind}).get(head)
    if kind is None or not (dot or head == HELD.name):
        return make_unknown_key_error(key, known, owner)
    for choice in (part for each in choices for part in (each, each.extractor) if part):
        if choice.spec.kind == kind and name in (choice.component.qualified, *choice.spec.aliases):
            return UsageError(f"{key}: write {options_prefix(kind, choice.name)}{option}")
    if head == HELD.name:
        name = name or "NAME"
        return UsageError(f"{key}: no metric reads extractor {name!r}: add metric.NAME.extractor={name}")
    return UsageError(f"{key}: {kind} {name!r} is not in use: add --{head} {name}")


def _names(value: Any) -> list[str]:
    """Return the names in a plural key's value, text with commas or a sequence; ``none`` clears those before it."""
    parts = options.split_list(value) if isinstance(value, str) else list(value or ())
    names: list[str] = []
    for part in parts:
        names = [] if part == "none" else [*names, part]
    return names
