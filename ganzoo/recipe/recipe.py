"""Recipes: complete and checked choices of components and settings, and their frozen form as JSON.

A frozen recipe stores the origin of every component and the schema version of its options. Thus a later version can
migrate the options, and an installation without the component can say how to install it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from ganzoo.plugin import Architecture, Built, DataInfo, Dataset, Regularizer, options
from ganzoo.plugin.options import list_options
from ganzoo.recipe.keys import COMPONENTS, EXTRACTOR, MANY, NETWORKS, ONE, make_options_prefix
from ganzoo.recipe.settings import TrainOptions
from ganzoo.registry.installed import Plugin, RegisteredComponent

FORMAT = 1


@dataclass(frozen=True)
class Choice:
    """A component that a recipe chose, with its options.

    Args:
        component: The component that was chosen.
        options: The options of the component.
        extractor: The extractor that the component reads, if it is a metric that reads one.
        parts: The components that the options name, by the name of the option (`ganzoo.recipe.nested.make_choice`).
    """

    component: RegisteredComponent
    options: Any
    extractor: Choice | None = None
    parts: Mapping[str, Choice] = field(default_factory=dict)

    @property
    def spec(self) -> Built:
        """The component's spec."""
        assert isinstance(self.component.spec, Built)
        return self.component.spec

    @property
    def name(self) -> str:
        """The component's bare name."""
        return self.spec.name

    @property
    def known_data(self) -> DataInfo | None:
        """The description of a dataset's samples, if its spec has one; None if the dataset must be opened for that."""
        info = self.spec.info if isinstance(self.spec, Dataset) else None
        return info if info is None or isinstance(info, DataInfo) else info(self.options)

    @property
    def known_images(self) -> DataInfo | None:
        """The shape of a dataset's images, if its spec has no more than that; None otherwise. Labels are not known."""
        shape = self.spec.image_shape if isinstance(self.spec, Dataset) else None
        return DataInfo(shape=shape(self.options)) if shape and self.known_data is None else None

    @property
    def provides(self) -> tuple[str, ...]:
        """The words that the component provides with its options, and those of its parts that it passes on."""
        known = list_options(type(self.options))
        passed = [
            word
            for name, part in self.parts.items()
            if (nested := known[name].nested)
            for word in part.provides
            if word in nested.passes
        ]
        return tuple(dict.fromkeys([*self.spec.get_provided(self.options), *passed]))

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins of the component and of its parts."""
        return self.component.plugin, *(plugin for part in self.parts.values() for plugin in part.plugins)

    @property
    def differentiates_inputs(self) -> bool:
        """Whether a regularizer differentiates D with respect to its input."""
        asked = self.spec.input_gradients if isinstance(self.spec, Regularizer) else False
        return asked(self.options) if callable(asked) else asked

    def build(self, data: DataInfo | None = None) -> Any:
        """Return the runtime object for data as the networks see it (see `RegisteredComponent.build`)."""
        return self.component.build(self.options, data)

    def to_json(self) -> dict[str, Any]:
        """Return the choice as JSON, with its origin and those of its parts, whose settings are among its options."""
        return {
            **self.describe_origin(),
            "options": options.to_json(self.options),
            **({EXTRACTOR.name: self.extractor.to_json()} if self.extractor else {}),
        }

    def describe_origin(self) -> dict[str, Any]:
        """Return plugin, distribution, version and schema of the options as JSON, and the same of the parts."""
        plugin = self.component.plugin
        parts = {name: part.describe_origin() for name, part in self.parts.items()}
        return {
            "name": self.component.qualified,
            "distribution": plugin.distribution or plugin.file,
            "version": plugin.version,
            "schema": self.spec.version,
            **({"parts": parts} if parts else {}),
        }


@dataclass(frozen=True)
class OptimizerChoice:
    """The optimizer of one network: its name in `OPTIMIZERS` and its options."""

    name: str
    options: Any

    def to_json(self) -> dict[str, Any]:
        """Return the name and the options as JSON."""
        return {"name": self.name, **options.to_json(self.options)}


@dataclass(frozen=True)
class ResolvedRecipe:
    """The complete choice of components, their options and the training settings; it can be written as JSON."""

    arch: Choice
    loss: Choice
    dataset: Choice
    reg: tuple[Choice, ...]
    aug: tuple[Choice, ...]
    metric: tuple[Choice, ...]
    tracker: tuple[Choice, ...]
    optim_g: OptimizerChoice
    optim_d: OptimizerChoice
    train: TrainOptions
    preset: str = ""  # the named recipe that it started from, as ``plugin:name``
    auto: tuple[str, ...] = ()  # options of `train.` that were "auto" before they were resolved for the device
    # name and SHA-256 of each network that is used but not trained, by its owner; known after it was built
    frozen: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    changes_d: tuple[str, ...] | None = None  # regularizers that change D's structure; None before D was built
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    reasons: tuple[str, ...] = field(default=(), compare=False)  # lines of a named recipe on why it chose its settings

    @property
    def architecture(self) -> Architecture:
        """The architecture's spec."""
        assert isinstance(self.arch.spec, Architecture)
        return self.arch.spec

    @property
    def choices(self) -> tuple[Choice, ...]:
        """All chosen components."""
        chosen = (getattr(self, entry.name) for entry in COMPONENTS)
        return tuple(choice for each in chosen for choice in ((each,) if isinstance(each, Choice) else each))

    def to_json(self) -> dict[str, Any]:
        """Return the frozen recipe, as `recipe.json` and a package's ``config.json`` hold it."""
        return {
            "format": FORMAT,
            "ganzoo": metadata.version("ganzoo"),
            **({"preset": self.preset} if self.preset else {}),
            **{key: getattr(self, key).to_json() for key in ONE},
            **{key: [choice.to_json() for choice in getattr(self, key)] for key in MANY},
            "optim": {network: getattr(self, f"optim_{network}").to_json() for network in NETWORKS},
            "train": options.to_json(self.train),
            "auto": list(self.auto),
            **({"frozen": self.frozen} if self.frozen else {}),
            **({} if self.changes_d is None else {"changes_d": list(self.changes_d)}),
        }

    def settings(self) -> dict[str, Any]:
        """Return all settings by key, in the order in which a person reads them."""
        flat, _ = flatten_recipe(self.to_json())
        for entry in COMPONENTS:
            chosen = getattr(self, entry.name)
            flat[entry.name] = chosen.name if isinstance(chosen, Choice) else ",".join(c.name for c in chosen) or "none"
        return flat


def flatten_recipe(stored: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the settings of a frozen recipe by key, and the schema versions of its components' options by prefix."""
    flat: dict[str, Any] = {}
    schemas: dict[str, int] = {}

    def add(kind: str, entry: Mapping[str, Any]) -> None:
        prefix = make_options_prefix(kind, entry["name"].rpartition(":")[2])
        flat.update({prefix + name: value for name, value in entry["options"].items()})
        schemas[prefix] = int(entry["schema"])
        if held := entry.get(EXTRACTOR.name):
            flat[prefix + EXTRACTOR.name] = held["name"]
            add(EXTRACTOR.kind, held)

    for key, kind in (ONE | MANY).items():
        entries = stored[key] if key in MANY else [stored[key]]
        names = tuple(entry["name"] for entry in entries)
        flat[key] = names if key in MANY else names[0]
        for entry in entries:
            add(kind, entry)
    for network in NETWORKS:
        flat.update({f"optim.{network}.{name}": value for name, value in stored["optim"][network].items()})
    flat.update({f"train.{name}": value for name, value in stored["train"].items()})
    return flat, schemas
