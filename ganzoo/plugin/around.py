"""Specs of components around a training: trackers, diagnoses, exporters, recipes, models and commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ganzoo.plugin.component import NAME, Built, Component, check_callables

STAGES = ("data", "networks", "numbers", "balance", "samples", "score")  # of a diagnosis, causes first
FOLDER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[\w-]+(/[\w-]+)*")


@dataclass(frozen=True, kw_only=True)
class Tracker(Built):
    """A logger outside the run directory: ``factory(options)`` returns an object with four methods.

    They are ``start(run)``, ``log(images, scalars)``, ``grid(images, path)`` and ``finish(status)``; `run` is a
    `RunView`. It may also have ``verdict(images, verdict)``, which gets each new `Verdict` of a diagnosis, and gets it
    again if its severity changes. A tracker that fails costs a line in the log, never the run.
    """

    kind: ClassVar[str] = "tracker"


@dataclass(frozen=True, kw_only=True)
class Diagnosis(Built):
    """A rule that finds a problem of a run: ``factory(options, data)`` returns ``diagnosis(rows, recipe)``.

    The diagnosis returns a `Verdict`, or None if it finds no problem. `rows` are the measurements of the run, as
    `RunView.rows` returns them; there is at least one row, and a value that was not measured is missing from its row.
    `recipe` is the frozen recipe as JSON. The verdict depends on these two arguments alone, so that a run gets the same
    verdict during and after its training. A diagnosis that fails costs a line in the log, never the run.

    Args:
        stage: What the problem is in. Causes are reported before what follows from them: ``data``, then ``networks``
            (how they are built), ``numbers`` (are they finite?), ``balance`` (of G and D), ``samples`` and ``score``.
    """

    kind: ClassVar[str] = "diagnosis"

    stage: Literal["data", "networks", "numbers", "balance", "samples", "score"] = "balance"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stage not in STAGES:
            raise ValueError(f"diagnosis {self.name!r}: stage {self.stage!r} is not one of {', '.join(STAGES)}")


@dataclass(frozen=True, kw_only=True)
class Exporter(Built):
    """A file format that other programs read, with its name: ``factory(options, data)`` returns a callable.

    ``exporter(generator, directory) -> list[Path]`` writes a generator, as `ganzoo.load` returns it, into an empty
    folder and returns the files that it wrote. It raises a GanzooError of one sentence if the format cannot store the
    generator.

    Args:
        suffix: The suffix of the file with the weights (``".onnx"``); empty if the format is a folder.
    """

    kind: ClassVar[str] = "exporter"

    suffix: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.suffix and not re.fullmatch(r"(\.[A-Za-z0-9_-]+)+", self.suffix):
            raise ValueError(f"exporter {self.name!r}: suffix {self.suffix!r} is not of the form '.onnx'")


@dataclass(frozen=True, kw_only=True)
class Recipe(Component):
    """A named choice of components and settings. Every setting of a user overrides it.

    Args:
        settings: The settings by key: ``{"arch": "dcgan", "loss": "bce", "arch.width": 64, ...}``. If they depend on
            the data and the machine: ``"package.module:callable"``, called as ``(data: DataInfo, device: str) ->
            mapping`` after the dataset was chosen. `device` is ``cpu``, ``cuda`` ...; the mapping may not choose the
            dataset. It may also return a `Proposal`, whose reasons the user reads. It raises a UsageError of one
            sentence for data that it has no settings for.
        looks: Whether `settings` is called as ``(data, device, facts: DataFacts)``. The core then looks at some samples
            before, and the settings may have ``dataset.size`` if ``facts.resizable``. Its schedules are for its own
            ``train.images``; they follow the length if another one is typed.
        default: Whether the recipe is used if the user chooses data, but neither an architecture nor a recipe.
        dataset: The name of the dataset that the recipe was published for; empty for a recipe that suits any data. If
            that dataset is installed, the recipe uses it; if not, the user must name other data. A setting of the
            dataset (``dataset.size``) is ignored for data without that option.
        source: The address of the repository or article that the recipe comes from.
        suits: ``"package.module:callable"`` that is called as ``(data: DataInfo, device: str) -> str`` and says in a
            few words why the recipe suits data of a user on a device, for ``ganzoo data check``; an empty text if it
            does not. Empty for a recipe that is for particular data.
        published: The score that its authors report and how they measured it, in one line: ``"FID 1.96 (50,000 samples
            against the training set)"``.
        cost: The hardware and time that the training needs: ``"8 V100, 2 days"``.
    """

    kind: ClassVar[str] = "recipe"

    settings: Mapping[str, Any] | str = field(default_factory=dict)
    looks: bool = False
    default: bool = False
    dataset: str = ""
    source: str = ""
    suits: str = ""
    published: str = ""
    cost: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_callables(self, self.suits)
        if isinstance(self.settings, str):
            check_callables(self, self.settings or "missing")
        elif self.looks:
            raise ValueError(f"recipe {self.name!r} looks at the data: its settings must be a callable")
        elif self.dataset and "dataset" in self.settings:
            raise ValueError(f"recipe {self.name!r} names a dataset twice: remove it from the settings")
        if self.dataset and not NAME.fullmatch(self.dataset):
            raise ValueError(f"recipe {self.name!r}: dataset {self.dataset!r} cannot be a dataset's name")


@dataclass(frozen=True, kw_only=True)
class Model(Component):
    """A trained model that the plugin contains.

    Args:
        path: ``"package:folder"``: a Python package, and the folder of its data that is a model package, as
            `ganzoo package` writes it.
    """

    kind: ClassVar[str] = "model"

    path: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not FOLDER.fullmatch(self.path):
            raise ValueError(f"model {self.name!r}: {self.path!r} is not of the form 'package:folder'")


@dataclass(frozen=True, kw_only=True)
class Command(Component):
    """A command that the plugin adds to `ganzoo`, under the name of the spec.

    Args:
        factory: The path of a `click.Command`, ``"package.module:command"``; the module imports nothing heavy.
    """

    kind: ClassVar[str] = "command"

    factory: str
