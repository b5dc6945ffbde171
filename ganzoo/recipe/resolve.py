"""Combining settings from all sources to one recipe.

Each source is a layer: a flat mapping from keys to values (``{"arch": "dcgan", "arch.width": 64}``). A later layer
overrides an earlier one. The layers are, in this order: the core's defaults, the recommendations of the architecture
and of the loss, a named recipe, a ``--config`` file, the flags, and ``KEY=VALUE``. `resolve` combines them to a
`ResolvedRecipe`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganzoo.errors import MissingPlugin, UsageError
from ganzoo.plugin import Architecture, Built, Dataset, Recipe, options
from ganzoo.plugin.options import list_options, make_unknown_key_error
from ganzoo.plugin.values import split_list
from ganzoo.recipe.check import check_recipe
from ganzoo.recipe.holdout import HOLDOUT, is_split
from ganzoo.recipe.keys import EXTRACTOR, MANY, NETWORKS, ONE, SHORT, make_options_prefix, reads_extractor
from ganzoo.recipe.layers import (
    Layer,
    collect_recommended,
    describe_reasons,
    get_last,
    list_names,
    load_stored,
)
from ganzoo.recipe.length import follow_typed_length, settle_length
from ganzoo.recipe.measured import find_modality, resolve_extractor
from ganzoo.recipe.named import Facts, choose_published_dataset, drop_unknown_options, make_recipe_layer
from ganzoo.recipe.nested import list_nested, make_choice
from ganzoo.recipe.recipe import Choice, OptimizerChoice, ResolvedRecipe
from ganzoo.recipe.settings import OPTIMIZERS, TrainOptions
from ganzoo.recipe.wrong_dataset import make_missing_path_error, make_unknown_name_error
from ganzoo.recipe.wrong_keys import make_unknown_setting_error, make_unused_key_error
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")  # USER/NAME; also the form of some paths


def resolve(
    registry: Registry,
    *,
    recipe: str | None = None,
    config: Path | Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    pairs: Mapping[str, Any] | None = None,
    facts: Callable[[Choice], Facts] | None = None,
) -> ResolvedRecipe:
    """Combine all settings to a recipe.

    Args:
        registry: The registry of the components.
        recipe: The name of a recipe component to start from; None for none.
        config: The path of a ``recipe.json``, a run or a model package to start from; or the frozen recipe of a run
            that is resumed.
        flags: The values of flags, by key.
        pairs: The values of ``KEY=VALUE``, by key.
        facts: Returns the facts that a recipe's settings may depend on, for the chosen dataset. It is not needed for a
            recipe with fixed settings.

    Returns:
        The recipe; all its parts fit together.

    Raises:
        UsageError: A name or key is unknown, a value has a wrong type or is out of range, or choices do not fit
            together.
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
    layers = settle_length([*collect_recommended(registry, architecture, get_last(layers, "loss")), *layers])
    folded = _Resolver(registry, layers)
    result = folded.make_recipe()
    if isinstance(config, Mapping):  # a resumed run keeps the values that its `auto` settings were resolved to
        result = replace(result, auto=tuple(config.get("auto", ())))
    preset = next((layer for layer in layers if layer.preset), None)
    if preset is not None:
        result = replace(result, preset=preset.preset, reasons=describe_reasons(preset, layers))
        result = follow_typed_length(result, preset)
    check_recipe(result)
    return result


def _add_recipe(
    registry: Registry, named: RegisteredComponent, layers: list[Layer], facts: Callable[[Choice], Facts] | None
) -> list[Layer]:
    """Return the layers, with the layers of a named recipe below them."""
    assert isinstance(named.spec, Recipe)
    if named.spec.dataset and get_last(layers, "dataset") is None:
        layers = [choose_published_dataset(registry, named), *layers]

    def dataset() -> Choice:
        return _Resolver(registry, layers).choose_one("dataset")

    def found() -> Facts:
        if facts is None:
            raise ValueError(f"recipe {named.spec.name!r} depends on the data: give `facts`")
        return facts(dataset())

    chosen = {key for layer in layers for key, value in layer.values.items() if value is not None}
    layer = make_recipe_layer(named, found, chosen)
    return [drop_unknown_options(layer, dataset()) if named.spec.dataset else layer, *layers]


def parse_dataset_flag(registry: Registry, text: str) -> dict[str, str]:
    """Return the settings that ``--dataset`` means: the name of a dataset, or a path and the dataset that opens it.

    Raises:
        NotFound: There is no such path.
        UsageError: It is an address, or a name that is neither that of a dataset nor that of a folder here.
    """
    known = {name for entry in registry.components("dataset") for name in (entry.spec.name, *entry.spec.aliases)}
    separated = any(sep in text for sep in (os.sep, os.altsep) if sep)
    like_a_file = "." in text and ":" not in text  # a name has a dot only if it is qualified by a distribution
    exists = os.path.exists(os.path.expanduser(text))
    if text in known or not (separated or like_a_file or exists):
        unknown = text not in known and ":" not in text and make_unknown_name_error(registry, text)
        if unknown:
            raise unknown
        return {"dataset": text}
    if not exists:
        raise make_missing_path_error(registry, text, like_hub=bool(HUB_NAME.fullmatch(text)))
    opener = registry.resolve_path_dataset(text)
    assert isinstance(opener.spec, Dataset)
    return {"dataset": opener.qualified, f"dataset.{opener.spec.path_option}": text}


def make_path_absolute(spec: Built, chosen: Any) -> Any:
    """Return a component's options with absolute paths, so that a run can be resumed from any folder."""
    if not isinstance(spec, Dataset) or not spec.path_option:
        return chosen
    values = {key: getattr(chosen, key) for key in (spec.path_option, HOLDOUT)}
    paths = {key: text for key, text in values.items() if text and isinstance(text, str)}
    if is_split(spec, str(values[HOLDOUT])):
        del paths[HOLDOUT]
    return replace(chosen, **{key: os.path.abspath(os.path.expanduser(text)) for key, text in paths.items()})


class _Resolver:
    """Combines layers to one recipe. `used` collects the keys that a part of the recipe used."""

    def __init__(self, registry: Registry, layers: list[Layer]) -> None:
        self.registry = registry
        self.layers = layers
        self.used: set[str] = set()
        self.origins: dict[str, str] = {}
        self.modality = ""  # of the dataset's samples; empty if it must be opened to know it

    def make_recipe(self) -> ResolvedRecipe:
        one: dict[str, Any] = {key: self.choose_one(key) for key in ONE}
        self.modality = find_modality(one["dataset"])
        many: dict[str, Any] = {key: self.choose_many(key) for key in MANY}
        optim_g, optim_d = (self.choose_optimizer(network) for network in NETWORKS)
        train = self.read_options(TrainOptions, "train.", "train")
        result = ResolvedRecipe(**one, **many, optim_g=optim_g, optim_d=optim_d, train=train, origins=self.origins)
        self.refuse_unused(result)
        return result

    def choose_one(self, key: str) -> Choice:
        """Return the choice of `arch`, `loss` or `dataset`."""
        name = self.get_value(key)
        if name is None and key == "dataset":
            component = self.registry.resolve_default_dataset()
        elif name is None:
            raise UsageError(f"no {ONE[key]} was chosen: add --{key} NAME (`ganzoo list {ONE[key]}` shows them)")
        else:
            component = self.registry.resolve(ONE[key], str(name))
        return self.make_choice(key, component)

    def choose_many(self, key: str) -> tuple[Choice, ...]:
        """Return the choices of a key with several components, such as `reg`; ``none`` removes those before it."""
        names = _parse_names(self.get_value(key))
        components = [self.registry.resolve(MANY[key], name) for name in names]
        if len({component.spec.name for component in components}) != len(components):
            raise UsageError(f"{key}={','.join(names)} names the same {MANY[key]} twice: keep one of each name")
        return tuple(self.make_choice(key, component) for component in components)

    def make_choice(self, key: str, component: RegisteredComponent) -> Choice:
        spec = component.spec
        assert isinstance(spec, Built)
        prefix = make_options_prefix(spec.kind, spec.name)
        chosen = self.read_options(spec.options, prefix, f"{key} {spec.name!r}", key, component)
        extractor = self.choose_extractor(spec) if reads_extractor(spec) else None
        return make_choice(self.registry, component, make_path_absolute(spec, chosen), prefix, extractor)

    def choose_extractor(self, spec: Built) -> Choice:
        """Return the extractor of a component, with its options."""
        said = self.get_value(make_options_prefix(spec.kind, spec.name) + EXTRACTOR.name)
        return self.make_choice(EXTRACTOR.name, resolve_extractor(self.registry, spec, said, self.modality))

    def choose_optimizer(self, network: str) -> OptimizerChoice:
        """Return the optimizer of one network, ``g`` or ``d``."""
        key = f"optim.{network}.name"
        name = str(self.get_value(key, "adam")).lower()
        if name not in OPTIMIZERS:
            raise UsageError(f"{key}={name} is not an optimizer: choose one of {', '.join(OPTIMIZERS)}")
        owner = f"optimizer {name!r}"
        return OptimizerChoice(name, self.read_options(OPTIMIZERS[name], f"optim.{network}.", owner, key, name))

    def get_value(self, key: str, default: Any = None) -> Any:
        """Return the value of a key in the last layer that sets it, and record the key as used."""
        self.used.add(key)
        found = [layer for layer in self.layers if layer.values.get(key) is not None]
        self.origins[key] = found[-1].origin if found else "default"
        return found[-1].values[key] if found else default

    def read_options(self, cls: type, prefix: str, owner: str, key: str = "", chosen: object = None) -> Any:
        """Return the options object of a prefix, from the values of all layers.

        The options of a layer that was written for another component than the chosen one are ignored.

        Args:
            cls: The class of the options, a frozen data class.
            prefix: The prefix of the options' keys.
            owner: The owner of the options in words, for errors.
            key: The key that chooses the owner; empty if nothing is chosen.
            chosen: The chosen component, or the name of the chosen optimizer.
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
            if not layer.is_typed:
                self.drop_settings_of_others(said, layer, cls, prefix)
            if isinstance(chosen, RegisteredComponent) and prefix in layer.schemas:
                migrated = chosen.migrate(said, layer.schemas[prefix])
                said = options.to_json(cls()) | dict(migrated)  # an option that was not stored had its default
            for name in said:
                if name not in list_options(cls):
                    if layer.is_typed and prefix + name in SHORT:
                        typed = f"--{SHORT[prefix + name]}" if layer.origin == "flag" else prefix + name
                        raise UsageError(f"{typed}: {owner} has no option {name}: remove {typed}")
                    known = [prefix + other for other in list_options(cls)]
                    if layer.is_typed:
                        raise make_unknown_setting_error(self.registry, prefix + name, known, owner)
                    raise make_unknown_key_error(prefix + name, known, f"{owner} (from {layer.origin})")
                self.origins[prefix + name] = layer.origin
            self.used |= {prefix + name for name in said}
            values |= said
        return options.read(cls, values, prefix, owner)

    def names_another_component(self, layer: Layer, key: str, chosen: object) -> bool:
        """Return whether a layer, or else the layers below it, choose another component than `chosen` for `key`."""
        own = get_last(self.layers[: self.layers.index(layer) + 1], key)
        if own is None and key.startswith("optim."):
            own = "adam"
        if own is None:
            return False
        if isinstance(chosen, RegisteredComponent):
            return not list_names(chosen) & set(_parse_names(own))
        return str(own).lower() != chosen

    def drop_settings_of_others(self, said: dict[str, object], layer: Layer, cls: type, prefix: str) -> None:
        """Remove the settings of a component that an option names, if a later layer names another one."""
        below = self.layers[: self.layers.index(layer) + 1]
        for entry, nested in list_nested(cls):
            own, last = (get_last(each, prefix + entry.name) or entry.default for each in (below, self.layers))
            with suppress(UsageError, MissingPlugin):  # a name that is not installed is an error later
                if own and last and self.registry.resolve(nested.kind, own) != self.registry.resolve(nested.kind, last):
                    said.pop(nested.settings, None)

    def refuse_unused(self, recipe: ResolvedRecipe) -> None:
        """Raise UsageError for a key that a person typed and nothing uses."""
        known = list(recipe.settings())
        for layer in self.layers:
            for key in layer.values.keys() - self.used if layer.is_typed else ():
                head, _, rest = key.partition(".")
                if head == EXTRACTOR.name or (head in MANY and "." in rest):
                    raise make_unused_key_error(key, recipe.choices, known, "a recipe")
                raise make_unknown_setting_error(self.registry, key, known, "a recipe")


def _parse_names(value: Any) -> list[str]:
    """Return the names in a value: text with commas, or a sequence of such. ``none`` removes the names before it."""
    texts = [value] if isinstance(value, str) else value or ()
    names: list[str] = []
    for part in (part for text in texts for part in split_list(text)):
        names = [] if part == "none" else [*names, part]
    return names
