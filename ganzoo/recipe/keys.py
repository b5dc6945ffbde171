"""One table of all keys of a recipe: the keys that choose components, and the flags.

The command line, `ganzoo.train`, the frozen recipe, a package's config and card, search and completion read this
table. None of them has a list of its own (`tests/recipe/test_keys.py`).

There are four forms of keys: ``arch`` chooses a component, ``arch.width`` is an option of it, ``reg.r1.gamma`` is an
option of one of several components, ``optim.g.lr`` and ``train.images`` are options of the engine. The extractor of a
metric has a key under the metric's name, ``metric.NAME.extractor``.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from ganzoo.plugin import Built, Component, Metric
from ganzoo.plugin.component import KEY_OF_KIND
from ganzoo.plugin.options import list_options
from ganzoo.recipe.settings import OPTIMIZERS, TrainOptions
from ganzoo.registry import Registry

WHAT, DATA, LENGTH, LOG, CONTINUE = "What is trained", "Data", "Length and machine", "Measure and log", "Go on"
NETWORKS = ("g", "d")  # each has an optimizer: `optim.g.*`, `optim.d.*`


@dataclass(frozen=True)
class ComponentKey:
    """A key that chooses components. It is also a flag (``--arch NAME``) and the prefix of their options' keys.

    Args:
        kind: The kind of components that it chooses.
        group: The title of the flag's group in the help.
        help: The help text of the flag.
        many: Whether several components can be chosen. If so, the keys of their options contain their names.
        trains: Whether the choice changes the trained weights.
    """

    kind: str
    group: str
    help: str
    many: bool = False
    trains: bool = True

    @property
    def name(self) -> str:
        """The key, and the name of the flag."""
        return KEY_OF_KIND[self.kind]


@dataclass(frozen=True)
class Flag:
    """A flag that sets one setting.

    Args:
        name: The name of the flag, and of the argument of `ganzoo.train`.
        key: The key of the setting.
        group: The title of the flag's group in the help.
        help: One sentence of help, to which the command adds the key.
        takes: The placeholder of the value; empty for a flag without value.
        off: The name of the flag that sets false, for a flag without value.
    """

    name: str
    key: str
    group: str
    help: str
    takes: str = ""
    off: str = ""


COMPONENTS = (
    ComponentKey("architecture", WHAT, "Train networks of this architecture; `ganzoo list architectures` shows them."),
    ComponentKey(
        "loss", WHAT, "Train with this adversarial loss, by default with the one that the architecture recommends."
    ),
    ComponentKey(
        "dataset",
        DATA,
        "Train on this dataset or on the pictures of this folder. By default it is the included dataset.",
    ),
    ComponentKey(
        "regularizer",
        WHAT,
        "Add this regularizer. Repeat the flag for more; `--reg none` removes the recommended ones.",
        many=True,
    ),
    ComponentKey(
        "augmentation",
        WHAT,
        "Add this augmentation. Repeat the flag for more; `--aug none` removes the recommended ones.",
        many=True,
    ),
    ComponentKey(
        "metric", LOG, "Measure this metric at each checkpoint. Repeat the flag for more.", many=True, trains=False
    ),
    ComponentKey(
        "tracker", LOG, "Log the run with this tracker too. Repeat the flag for more.", many=True, trains=False
    ),
)
FLAGS = (
    Flag(
        "images",
        "train.images",
        LENGTH,
        "Train until the discriminator has seen this many real images; repeats count.",
        takes="N",
    ),
    Flag(
        "time",
        "train.time",
        LENGTH,
        "Train for about so long, such as 90s, 20min or 1.5h: the number of images is measured.",
        takes="TIME",
    ),
    Flag("batch", "train.batch", LENGTH, "Use this many real images in one update.", takes="N"),
    Flag("size", "dataset.size", DATA, "Resize the images to this height and width, in pixels.", takes="N"),
    Flag(
        "seed",
        "train.seed",
        LENGTH,
        "Draw all random numbers from this seed; the same seed gives the same run.",
        takes="N",
    ),
    Flag("threads", "train.threads", LENGTH, "Use this many CPU threads.", takes="N"),
    Flag(
        "conditional",
        "train.conditional",
        DATA,
        "Show the labels to the networks, to draw samples of a class later.",
        off="unconditional",
    ),
    Flag(
        "init",
        "train.init",
        CONTINUE,
        "Start a new run from the weights of a run, a package or USER/MODEL. Without --arch its settings are used too.",
        takes="WHAT",
    ),
)

EXTRACTOR = ComponentKey("extractor", LOG, "Extractor of a metric.", many=True, trains=False)  # it has no flag

ONE = {entry.name: entry.kind for entry in COMPONENTS if not entry.many}  # key -> kind of component
MANY = {entry.name: entry.kind for entry in COMPONENTS if entry.many}
SHORT = {flag.key: flag.name for flag in FLAGS}  # setting -> its flag
KEYS = {entry.kind: entry for entry in (*COMPONENTS, EXTRACTOR)}  # kind -> its key


def make_options_prefix(kind: str, name: str) -> str:
    """Return the prefix of an option's key, ``arch.`` or ``reg.NAME.``; empty for a kind that no key chooses."""
    if kind not in KEYS:
        return ""
    key = KEYS[kind]
    return f"{key.name}.{name}." if key.many else f"{key.name}."


def reads_extractor(spec: Component) -> bool:
    """Return whether a component reads an extractor, which a key under its own name chooses."""
    return isinstance(spec, Metric) and spec.reads != "samples"


def map_flags_to_keys(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of flags by the keys that they set. Flags that were not given are dropped."""
    settings = {name: key for key, name in SHORT.items()}
    return {settings.get(name, name): value for name, value in flags.items() if value is not None and value != ()}


def list_keys(registry: Registry, arch: str | None = None, kinds: Container[str] | None = None) -> list[str]:
    """Return the keys that ``KEY=VALUE`` may set, without the keys that choose components.

    Args:
        registry: The registry whose components' options are listed.
        arch: The architecture whose options are listed; None for the options of all architectures.
        kinds: The kinds of components whose options are listed, without the engine's; None for all options.
    """
    keys = []
    if kinds is None:
        keys += [f"train.{name}" for name in list_options(TrainOptions)]
        names = sorted({name for cls in OPTIMIZERS.values() for name in list_options(cls)})
        keys += [f"optim.{network}.{name}" for network in NETWORKS for name in ("name", *names)]
    for kind in (kind for kind in KEYS if kinds is None or kind in kinds):
        for entry in registry.components(kind):
            named = (entry.qualified, entry.spec.name, *entry.spec.aliases)
            if isinstance(entry.spec, Built) and (kind != "architecture" or arch is None or arch in named):
                prefix = make_options_prefix(kind, entry.spec.name)
                keys += [prefix + EXTRACTOR.name] if reads_extractor(entry.spec) else []
                keys += [prefix + name for name in list_options(entry.spec.options)]
    return list(dict.fromkeys(keys))
