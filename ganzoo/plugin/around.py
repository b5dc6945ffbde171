"""Specs of what surrounds a training: who watches it, what is made of it, presets, trained weights and commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ganzoo.plugin.component import NAME, Built, Component, check_callables

FOLDER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[\w-]+(/[\w-]+)*")


@dataclass(frozen=True, kw_only=True)
class Tracker(Built):
    """``factory(options)`` -> ``start(run)``, ``log(images, scalars)``, ``grid(images, path)``, ``finish(status)``.

    `run` is a `RunView`. A failing tracker costs a line in the log, never the run.
    """

    kind: ClassVar[str] = "tracker"


@dataclass(frozen=True, kw_only=True)
class Diagnosis(Built):
    """A rule that sees what goes wrong in a run: ``factory(options, data)`` -> a callable.

    ``diagnosis(rows, recipe) -> Verdict | None``: `rows` are what the run measured, as `RunView.rows` gives them, at
    least one; a name that was not measured is not in a row. `recipe` is the frozen recipe as JSON. The answer is None
    where it finds nothing wrong. It follows from these two alone, so that a run gets the same verdict while it is
    trained and afterwards. A diagnosis that fails costs a line in the log, never the run.
    """

    kind: ClassVar[str] = "diagnosis"


@dataclass(frozen=True, kw_only=True)
class Exporter(Built):
    """A format in which trained generators are written for other programs; its name is the format's.

    ``factory(options, data)`` -> a callable ``exporter(generator, directory) -> list[Path]``: `generator` is what
    `ganzoo.load` returns, `directory` an empty folder. It returns the files that it wrote there. A generator that the
    format cannot hold is a GanzooError of one sentence.

    Args:
        suffix: Of the file that holds the weights (``".onnx"``); empty where the format is a folder.
    """

    kind: ClassVar[str] = "exporter"

    suffix: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.suffix and not re.fullmatch(r"(\.[A-Za-z0-9_-]+)+", self.suffix):
            raise ValueError(f"exporter {self.name!r}: suffix {self.suffix!r} is not of the form '.onnx'")


@dataclass(frozen=True, kw_only=True)
class Recipe(Component):
    """A named choice of components and settings, under all that a user says.

    Args:
        settings: By key: ``{"arch": "dcgan", "loss": "bce", "arch.width": 64, ...}``; or, where they follow from the
            data and the machine, ``"package.module:callable"``, called as ``(data: DataInfo, device: str) -> mapping``
            (`device` is ``cpu``, ``cuda`` ...) once the dataset is chosen, which it cannot choose then.
        dataset: The dataset that it was published for: the recipe's, where it is installed; where it is not, a user
            must say which data to train on. What the settings then say of it (``dataset.size``) counts where the data
            have that option. Empty for a recipe that suits any data.
        source: Where it comes from: the address of a repository or an article.
        published: The score that its authors report and how it was measured, in one line: ``"FID 1.96 (50,000 samples
            against the training set)"``.
        cost: What its training took them, or takes here: ``"8 V100, 2 days"``.
    """

    kind: ClassVar[str] = "recipe"

    settings: Mapping[str, Any] | str = field(default_factory=dict)
    dataset: str = ""
    source: str = ""
    published: str = ""
    cost: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.settings, str):
            check_callables(self, self.settings or "missing")
        elif self.dataset and "dataset" in self.settings:
            raise ValueError(f"recipe {self.name!r} names a dataset twice: remove it from the settings")
        if self.dataset and not NAME.fullmatch(self.dataset):
            raise ValueError(f"recipe {self.name!r}: dataset {self.dataset!r} cannot be a dataset's name")


@dataclass(frozen=True, kw_only=True)
class Model(Component):
    """Weights that come with the plugin.

    Args:
        path: ``"package:folder"``, a model package in that Python package's data, as `ganzoo package` writes it.
    """

    kind: ClassVar[str] = "model"

    path: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not FOLDER.fullmatch(self.path):
            raise ValueError(f"model {self.name!r}: {self.path!r} is not of the form 'package:folder'")


@dataclass(frozen=True, kw_only=True)
class Command(Component):
    """A further command of `ganzoo`, under its name.

    Args:
        factory: ``"package.module:command"``, a `click.Command`; the module imports nothing heavy.
    """

    kind: ClassVar[str] = "command"

    factory: str
