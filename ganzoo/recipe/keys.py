"""Every key that sets a recipe, in one table: what chooses components, whose options follow, and the flags.

The command line, `ganzoo.train`, the frozen recipe, a package's config and card, search and completion read this
table. None of them has a list of its own (`tests/recipe/test_keys.py`).

A key is ``arch`` (which component), ``arch.width`` (an option of it), ``reg.r1.gamma`` (of one of several), or
``optim.g.lr`` and ``train.images`` (of the engine). A component that holds another chooses it by a key under its own
name, ``metric.NAME.extractor``.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from ganzoo.plugin import Built, Component, Metric
from ganzoo.plugin.options import list_options
from ganzoo.recipe.settings import OPTIMIZERS, TrainOptions
from ganzoo.registry import Registry

NETWORKS = ("g", "d")  # each has an optimizer: `optim.g.*`, `optim.d.*`


@dataclass(frozen=True)
class ComponentKey:
    """A key that chooses components. It is a flag too (``--arch NAME``), and what their options' keys begin with.

    Args:
        name: The key.
        kind: Of the components.
        help: Of the flag.
        many: Whether several can be chosen; the name of each is then part of its options' keys.
        trains: Whether the choice changes the weights.
    """

    name: str
    kind: str
    help: str
    many: bool = False
    trains: bool = True


@dataclass(frozen=True)
class Flag:
    """A flag that is short for one setting.

    Args:
        name: Of the flag, and of the argument of `ganzoo.train`.
        key: The setting.
        help: One sentence; the command adds the key.
        takes: What is written behind it; empty where it is on or off.
        off: The flag that means false, where it is on or off.
    """

    name: str
    key: str
    help: str
    takes: str = ""
    off: str = ""


COMPONENTS = (
    ComponentKey("arch", "architecture", "Architecture of the networks; `ganzoo list` shows what there is."),
    ComponentKey("loss", "loss", "Adversarial loss; by default the one that the architecture recommends."),
    ComponentKey(
        "dataset", "dataset",
        "Dataset, or the path of a folder of images; by default the dataset that comes along.",
    ),
    ComponentKey("reg", "regularizer", "Regularizer; repeat for more, none drops those recommended.", many=True),
    ComponentKey("aug", "augmentation", "Augmentation; repeat for more, none drops those recommended.", many=True),
    ComponentKey(
        "metric", "metric", "Metric, measured at each checkpoint; repeat for more.", many=True, trains=False
    ),
    ComponentKey("tracker", "tracker", "Where to log to as well; repeat for more.", many=True, trains=False),
)  # fmt: skip
FLAGS = (
    Flag("images", "train.images", "Length of the run: real images shown, repeats counted.", takes="N"),
    Flag("batch", "train.batch", "Images in one update.", takes="N"),
    Flag("size", "dataset.size", "Pixels of an image's side.", takes="N"),
    Flag("seed", "train.seed", "The same seed gives the same run.", takes="N"),
    Flag("threads", "train.threads", "Threads that compute on the CPU.", takes="N"),
    Flag("conditional", "train.conditional", "Show the networks the labels, or not.", off="unconditional"),
    Flag(
        "init", "train.init",
        "Weights to start from: a run, a package or USER/MODEL; its settings too, without --arch.", takes="WHAT",
    ),
)  # fmt: skip

EXTRACTOR = ComponentKey("extractor", "extractor", "Chosen by who reads it.", many=True, trains=False)  # not a flag

ONE = {entry.name: entry.kind for entry in COMPONENTS if not entry.many}  # key -> kind
MANY = {entry.name: entry.kind for entry in COMPONENTS if entry.many}
SHORT = {flag.key: flag.name for flag in FLAGS}  # setting -> its flag
KEYS = {entry.kind: entry for entry in (*COMPONENTS, EXTRACTOR)}  # kind -> its key


def make_options_prefix(kind: str, name: str) -> str:
    """Return what an option's key begins with, ``arch.`` or ``reg.NAME.``; empty for a kind that no key chooses."""
    if kind not in KEYS:
        return ""
    key = KEYS[kind]
    return f"{key.name}.{name}." if key.many else f"{key.name}."


def reads_extractor(spec: Component) -> bool:
    """Whether a component holds an extractor, which a key under its own name chooses."""
    return isinstance(spec, Metric) and spec.reads != "samples"


def map_flags_to_keys(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return what flags say by the keys that they are short for; those that say nothing are dropped."""
    settings = {name: key for key, name in SHORT.items()}
    return {settings.get(name, name): value for name, value in flags.items() if value is not None and value != ()}


def list_keys(registry: Registry, arch: str | None = None, kinds: Container[str] | None = None) -> list[str]:
    """Return the keys that ``KEY=VALUE`` may name, but for those that choose components.

    Args:
        registry: Whose components' options are among them.
        arch: The architecture whose options are among them; those of others are not.
        kinds: Of these kinds of components alone, and none of the engine's.
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
