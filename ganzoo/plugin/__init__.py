"""The names that a plugin author imports: specs, `option`, `hookimpl`, and the data classes of the contracts.

A plugin is a module that an entry point of the group ``ganzoo`` names. It imports nothing heavy (no torch, numpy or
Pillow) and offers specs through hooks (`ganzoo.plugin.hookspecs`). Each spec names its factory as
``"package.module:callable"``. The factory is imported when the component is first used:

    @hookimpl
    def ganzoo_losses():
        yield Loss(name="bce", summary="...", factory="acme_gans.losses:BCE")

Runtime objects inherit from nothing; they only need the right methods. The spec class of each kind says which
(`ganzoo.plugin.specs`, `measuring`, `around`). `ganzoo.plugin.contracts` and `ganzoo.plugin.networks` define the
arguments and the results of these methods.
"""

from __future__ import annotations

import pluggy

from ganzoo.errors import Corrupt, GanzooError, NotFound, Unreachable, UsageError
from ganzoo.plugin.around import Command, Diagnosis, Exporter, Model, Recipe, Tracker
from ganzoo.plugin.component import Built, Component
from ganzoo.plugin.contracts import (
    Case,
    DataInfo,
    ImportedGenerator,
    Item,
    RunView,
    Verdict,
)
from ganzoo.plugin.facts import DataFacts, Proposal
from ganzoo.plugin.files import append, write_atomic
from ganzoo.plugin.images import IMAGE_SUFFIXES, describe_image, read_image
from ganzoo.plugin.measuring import Extractor, Metric
from ganzoo.plugin.nested import Nested
from ganzoo.plugin.network import is_offline
from ganzoo.plugin.networks import (
    DiscriminatorOutput,
    GeneratorOutput,
    LossFunction,
    Networks,
    Step,
    extract_samples,
)
from ganzoo.plugin.options import NoOptions, option
from ganzoo.plugin.schedule import Schedule
from ganzoo.plugin.specs import (
    KINDS,
    Architecture,
    Augmentation,
    Dataset,
    Loss,
    Regularizer,
)

__all__ = [
    "IMAGE_SUFFIXES",
    "KINDS",
    "Architecture",
    "Augmentation",
    "Built",
    "Case",
    "Command",
    "Component",
    "Corrupt",
    "DataFacts",
    "DataInfo",
    "Dataset",
    "Diagnosis",
    "DiscriminatorOutput",
    "Exporter",
    "Extractor",
    "GanzooError",
    "GeneratorOutput",
    "ImportedGenerator",
    "Item",
    "Loss",
    "LossFunction",
    "Metric",
    "Model",
    "Nested",
    "Networks",
    "NoOptions",
    "NotFound",
    "Proposal",
    "Recipe",
    "Regularizer",
    "RunView",
    "Schedule",
    "Step",
    "Tracker",
    "Unreachable",
    "UsageError",
    "Verdict",
    "append",
    "describe_image",
    "extract_samples",
    "hookimpl",
    "is_offline",
    "option",
    "read_image",
    "write_atomic",
]

hookimpl = pluggy.HookimplMarker("ganzoo")
