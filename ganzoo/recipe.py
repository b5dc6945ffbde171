"""Recipes: what is trained and how, resolved from all that was said, checked, frozen and read back.

Everything that anybody says about a run is a flat mapping of keys to values (``{"arch": "dcgan", "arch.width": 64}``),
and comes in layers, each over the last: the core's defaults, what the architecture recommends, a named recipe, a
``--config`` file, the flags, and ``KEY=VALUE``. `resolve` folds them into a `Recipe`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from ganzoo import options
from ganzoo.errors import Corrupt, GanzooError, MissingPlugin, NotFound, UsageError
from ganzoo.options import options_of, unknown_key
from ganzoo.plugin import Architecture, Built, DataInfo, Dataset, Loss
from ganzoo.plugin import Recipe as NamedRecipe
from ganzoo.registry import Registered, Registry
from ganzoo.settings import OPTIMIZERS, TrainOptions

FORMAT = 1
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
        }

    def settings(self) -> dict[str, Any]:
        """Return every setting by the key that sets it, in the order in which a person reads them."""
        flat, _ = _flatten(self.to_json())
        for key in (*ONE, *MANY):
            chosen = getattr(self, key)
            flat[key] = chosen.name if isinstance(chosen, Choice) else ",".join(c.name for c in chosen) or "none"
        return flat


@dataclass(frozen=True)
class Layer:
    """What one source says.

    Args:
        origin: Of its values, in words.
        values: By key.
        spoken: Whether a person typed it for this very run, so that a key that nothing takes is a mistake.
        schemas: The schema that a stored component's options were written with, by the component's key.
    """

    origin: str
    values: Mapping[str, Any]
    spoken: bool = False
    schemas: Mapping[str, int] = field(default_factory=dict)


# ----------------------------------------------------------------------------
# Resolution.


def resolve(
    registry: Registry,
    *,
    recipe: str | None = None,
    config: Path | Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    pairs: Mapping[str, Any] | None = None,
) -> Recipe:
    """Return the recipe that all layers together mean.

    Args:
        registry: Where names are looked up.
        recipe: Name of a recipe component.
        config: A ``recipe.json``, a run or a model package, or the frozen recipe itself as JSON.
        flags: What flags said, by key.
        pairs: What ``KEY=VALUE`` said, by key.

    Raises:
        UsageError: An unknown name or key, a wrong type, a value out of range, or choices that do not go together.
        MissingPlugin: A stored recipe names a component that is not installed.
    """
    layers = []
    if recipe is not None:
        named = registry.resolve("recipe", recipe).spec
        assert isinstance(named, NamedRecipe)
        layers.append(Layer(f"recipe {named.name!r}", named.settings))
    if config is not None:
        layers.append(_stored(registry, config))
    layers += [Layer("flag", flags or {}, spoken=True), Layer("KEY=VALUE", pairs or {}, spoken=True)]

    arch = _last(layers, "arch")
    if arch is None:
        names = ", ".join(entry.spec.name for entry in registry.components("architecture"))
        raise UsageError(f"no architecture was chosen: add --arch NAME (installed: {names or 'none'})")
    architecture = registry.resolve("architecture", arch).spec
    assert isinstance(architecture, Architecture)
    folded = _Fold(registry, [Layer(f"arch {architecture.name!r}", architecture.recommended), *layers])
    result = folded.recipe()
    check(result)
    return result


class _Fold:
    """The folding of layers into one recipe; `used` collects the keys that something took."""

    def __init__(self, registry: Registry, layers: list[Layer]) -> None:
        self.registry = registry
        self.layers = layers
        self.used: set[str] = set()
        self.origins: dict[str, str] = {}

    def recipe(self) -> Recipe:
        one: dict[str, Any] = {key: self.one(key) for key in ONE}
        many: dict[str, Any] = {key: self.many(key) for key in MANY}
        optim_g, optim_d = (self.optimizer(network) for network in NETWORKS)
        train = self.options(TrainOptions, "train.", "train")
        result = Recipe(**one, **many, optim_g=optim_g, optim_d=optim_d, train=train, origins=self.origins)
        self.refuse_unused(result)
        return result

    def one(self, key: str) -> Choice:
        """Return the component chosen under `arch`, `loss` or `dataset`."""
        name = self.value(key)
        if name is None and key == "dataset":
            component = self.registry.default_dataset()
        elif name is None:
            raise UsageError(f"no {ONE[key]} was chosen: add --{key} NAME (`ganzoo list {ONE[key]}` shows them)")
        else:
            component = self.registry.resolve(ONE[key], str(name))
        return self.choice(key, key, component)

    def many(self, key: str) -> tuple[Choice, ...]:
        """Return the components chosen under a plural key; ``none`` clears."""
        names = _names(self.value(key))
        components = [self.registry.resolve(MANY[key], name) for name in names]
        if len({component.qualified for component in components}) != len(components):
            raise UsageError(f"{key}={','.join(names)} names the same {MANY[key]} twice")
        return tuple(self.choice(key, f"{key}.{component.spec.name}", component) for component in components)

    def choice(self, key: str, prefix: str, component: Registered) -> Choice:
        spec = component.spec
        assert isinstance(spec, Built)
        chosen = self.options(spec.options, prefix + ".", f"{key} {spec.name!r}", key, component)
        path = spec.path_option if isinstance(spec, Dataset) else ""
        if path and getattr(chosen, path):  # absolute, so that the run can be resumed from anywhere
            chosen = replace(chosen, **{path: os.path.abspath(os.path.expanduser(getattr(chosen, path)))})
        return Choice(component, chosen)

    def optimizer(self, network: str) -> Optimizer:
        """Return one network's optimizer."""
        key = f"optim.{network}.name"
        name = str(self.value(key, "adam")).lower()
        if name not in OPTIMIZERS:
            raise UsageError(f"{key}={name}: torch.optim's are {', '.join(OPTIMIZERS)}")
        owner = f"optimizer {name!r}"
        return Optimizer(name, self.options(OPTIMIZERS[name], f"optim.{network}.", owner, key, name))

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
            said.pop("name" if prefix.startswith("optim.") else "", None)
            if not (said or prefix in layer.schemas):
                continue
            if not layer.spoken and self.spoke_of_another(layer, key, chosen):
                continue
            if isinstance(chosen, Registered) and prefix in layer.schemas:
                said = dict(chosen.migrate(said, layer.schemas[prefix]))
            for name in said:
                if name not in options_of(cls):
                    source = "" if layer.spoken else f" (from {layer.origin})"
                    raise unknown_key(prefix + name, [prefix + known for known in options_of(cls)], owner + source)
                self.origins[prefix + name] = layer.origin
            self.used |= {prefix + name for name in said}
            values |= said
        return options.read(cls, values, prefix, owner)

    def spoke_of_another(self, layer: Layer, key: str, chosen: object) -> bool:
        """Whether `chosen` is other than what the layer, or else those under it, had chosen under `key`."""
        own = _last(self.layers[: self.layers.index(layer) + 1], key)
        if own is None and key.startswith("optim."):
            own = "adam"
        if own is None:
            return False
        if isinstance(chosen, Registered):
            names = {chosen.qualified, chosen.spec.name, *chosen.spec.aliases}
            return not names & set(_names(own))
        return str(own).lower() != chosen

    def refuse_unused(self, recipe: Recipe) -> None:
        """Raise UsageError for a spoken key that nothing took."""
        known = list(recipe.settings())
        for layer in self.layers:
            for key in layer.values.keys() - self.used if layer.spoken else ():
                head, _, rest = key.partition(".")
                if head in MANY and "." in rest:
                    name, _, rest = rest.partition(".")
                    for choice in getattr(recipe, head):
                        if name in (choice.component.qualified, *choice.spec.aliases):
                            raise UsageError(f"{key}: write {head}.{choice.name}.{rest}")
                    raise UsageError(f"{key}: {MANY[head]} {name!r} is not in use: add --{head} {name}")
                raise unknown_key(key, known, "a recipe")


# ----------------------------------------------------------------------------
# Compatibility, each mismatch with a way out.


def check(recipe: Recipe) -> None:
    """Raise UsageError where a recipe's parts do not go together; the data is checked where it is known unopened."""
    train = recipe.train
    if train.micro_batch is not None and train.micro_batch < train.batch:
        if train.batch % train.micro_batch:
            nearest = max(size for size in range(1, train.micro_batch + 1) if train.batch % size == 0)
            raise UsageError(
                f"train.micro_batch={train.micro_batch} does not divide train.batch={train.batch}: use {nearest}"
            )
        if isinstance(recipe.loss.spec, Loss) and recipe.loss.spec.batch_coupled:
            raise UsageError(
                f"loss {recipe.loss.name!r} couples the whole batch, so gradients cannot be accumulated: "
                "leave train.micro_batch away"
            )
    provided = {word: choice for choice in recipe.choices for word in choice.spec.provides}
    for choice in recipe.choices:
        for word in choice.spec.needs:
            if word not in provided:
                raise UsageError(
                    f"{choice.spec.kind} {choice.name!r} needs {word!r}, which no other part of the recipe provides: "
                    f"choose an arch that does (`ganzoo info NAME`) or leave {choice.name!r} away"
                )
        for word in choice.spec.refuses:
            if word in provided:
                other = provided[word]
                raise UsageError(
                    f"{choice.spec.kind} {choice.name!r} does not go with {other.spec.kind} {other.name!r} ({word}): "
                    "choose another of either"
                )
    info = recipe.dataset.spec.info if isinstance(recipe.dataset.spec, Dataset) else None
    if info is not None:
        check_data(recipe, info if isinstance(info, DataInfo) else info(recipe.dataset.options))


def check_data(recipe: Recipe, data: DataInfo) -> None:
    """Raise UsageError where the architecture cannot generate this data, or labels are asked for and missing."""
    arch, spec, name = recipe.arch.name, recipe.architecture, recipe.dataset.name
    if data.modality not in spec.modalities:
        raise UsageError(
            f"arch {arch!r} generates {', '.join(spec.modalities)}; dataset {name!r} is {data.modality}: "
            "choose another of either"
        )
    if data.modality == "image":
        channels, height, width = data.shape
        if height != width:
            raise UsageError(
                f"arch {arch!r} takes square images; dataset {name!r} is {width}x{height}: crop the images to squares"
            )
        if spec.sizes and width not in spec.sizes:
            nearest = min(spec.sizes, key=lambda size: abs(size - width))
            way_out = _set_or_choose(recipe.dataset, "size", nearest)
            raise UsageError(f"arch {arch!r} takes {_list(spec.sizes)}; dataset {name!r} is {width}: {way_out}")
        if spec.channels and channels not in spec.channels:
            way_out = _set_or_choose(recipe.dataset, "channels", spec.channels[-1])
            raise UsageError(
                f"arch {arch!r} takes {_list(spec.channels)} channels; dataset {name!r} has {channels}: {way_out}"
            )
    if recipe.train.conditional and spec.conditional == "never":
        raise UsageError(f"arch {arch!r} takes no labels: leave --conditional away")
    if spec.conditional == "always" and not data.labelled:
        raise UsageError(f"arch {arch!r} always takes labels; dataset {name!r} has none: choose another of either")
    if recipe.train.conditional and not data.labelled:
        raise UsageError(f"dataset {name!r} has no labels: leave --conditional away, or give it labelled data")
    if spec.conditional == "always" and not recipe.train.conditional:
        raise UsageError(f"arch {arch!r} always takes labels: add --conditional")


def as_trained(data: DataInfo, train: TrainOptions) -> DataInfo:
    """Return the data as the architecture sees it: without its labels unless the run is conditional."""
    return data if train.conditional else replace(data, num_classes=0, label_shape=())


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
        return _readable(stored.get("recipe", stored), str(path))
    except (ValueError, AttributeError, RecursionError):
        raise Corrupt(f"{path} is damaged or no recipe of ganzoo") from None


def _readable(stored: Mapping[str, Any], source: str) -> dict[str, Any]:
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


def _stored(registry: Registry, config: Path | Mapping[str, Any]) -> Layer:
    """Return a stored recipe as a layer, once every component that it names is found."""
    stored = load_json(config) if isinstance(config, Path) else _readable(config, "the stored recipe")
    try:
        one = {key: _renamed(registry, key, stored[key]) for key in ONE}
        many = {key: [_renamed(registry, key, entry) for entry in stored[key]] for key in MANY}
        flat, schemas = _flatten({**stored, **one, **many})
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise Corrupt(f"the stored recipe is damaged: {type(error).__name__} {error}") from None
    return Layer(f"config {config}" if isinstance(config, Path) else "run", flat, schemas=schemas)


def stored_choice(registry: Registry, key: str, entry: Mapping[str, Any]) -> Choice:
    """Return one component of a stored recipe (``recipe["arch"]``) with its options, migrated to this version.

    Raises:
        MissingPlugin: It is not installed, or older than what was stored.
    """
    component = _stored_component(registry, key, entry)
    assert isinstance(component.spec, Built)
    values = component.migrate(entry["options"], int(entry["schema"]))
    return Choice(component, options.read(component.spec.options, values, f"{key}.", f"{key} {component.spec.name!r}"))


def _renamed(registry: Registry, key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored entry under the name that its component has now, which may have been an alias."""
    return {**entry, "name": _stored_component(registry, key, entry).qualified}


def _stored_component(registry: Registry, key: str, entry: Mapping[str, Any]) -> Registered:
    """Return the component that a stored entry names, or say how to get it."""
    name = str(entry["name"])
    try:
        return registry.resolve((ONE | MANY)[key], name)
    except (UsageError, MissingPlugin):
        remedy = _how_to_get(str(entry["distribution"]))
        raise MissingPlugin(f"the stored recipe uses {key} {name!r}, which is not installed: {remedy}") from None


def _how_to_get(source: str) -> str:
    """Return what gives a plugin that came from a distribution or a file; the text may come from a stranger."""
    if source.endswith(".py"):
        return f"add --plugin {shlex.quote(source)}"
    if re.fullmatch(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", source, re.ASCII):
        return f"python -m pip install -U {source}"
    return "install the plugin that offers it"


def _flatten(stored: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
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


def _set_or_choose(dataset: Choice, key: str, value: int) -> str:
    """Return the way out of data that does not fit: the dataset's option where it has one."""
    return f"add dataset.{key}={value}" if key in options_of(type(dataset.options)) else "choose another of either"


def _last(layers: list[Layer], key: str) -> Any:
    return next((layer.values[key] for layer in reversed(layers) if layer.values.get(key) is not None), None)


def _names(value: Any) -> list[str]:
    """Return the names in a plural key's value, text with commas or a sequence; ``none`` clears those before it."""
    parts = options.split(value) if isinstance(value, str) else list(value or ())
    names: list[str] = []
    for part in parts:
        names = [] if part == "none" else [*names, part]
    return names


def _list(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
