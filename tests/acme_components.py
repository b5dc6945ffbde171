"""Components of a made-up plugin, `acme`, one for each thing that a recipe can trip over, and recipes of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import pytest

from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import (
    Architecture,
    Augmentation,
    DataInfo,
    Dataset,
    Extractor,
    Loss,
    Metric,
    Recipe,
    Regularizer,
    hookimpl,
    option,
)
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import PLURALS, Registry
from ganzoo.registry.installed import Plugin

FACTORY = "nowhere:build"  # nothing is built here


@dataclass(frozen=True, kw_only=True)
class ArchOptions:
    width: int = option(8, help="A width.", low=1)


@dataclass(frozen=True, kw_only=True)
class NormOptions:
    width: int = option(8, help="A width.", low=1)
    norm: Literal["batch", "none"] = option("batch", help="A normalisation.")


@dataclass(frozen=True, kw_only=True)
class RegOptions:
    gamma: float = option(1.0, help="A weight.", low=0, schedulable=True)


@dataclass(frozen=True, kw_only=True)
class PointOptions:
    num: int = option(2, help="A number.", low=1)


@dataclass(frozen=True, kw_only=True)
class SizeOptions:
    size: int = option(32, help="A size.", low=1)
    channels: int = option(3, help="Channels.", low=1)


def named(kind: Any, name: str, **fields: Any) -> Any:
    return kind(name=name, summary=f"{name}.", factory=FACTORY, **fields)


def acme(**changes: Any) -> list[Any]:
    """Return components of a plugin of somebody else's; `changes` are to its regularizer r1."""
    recommended = {
        "loss": "mse",
        "loss.a": 0.25,
        "reg": "r1",
        "reg.r1.gamma": 10,
        "optim.g.lr": 1e-3,
        "optim.d.name": "sgd",
        "optim.d.momentum": 0.5,
        "train.batch": 32,
        "train.ema_half_life": 500,
    }
    steady = {
        "reg": "oddity", "train.batch": 24, "optim.g.betas": (0.5, 0.9), "optim.d.lr": 3.0,
        "arch.norm": "none", "arch.width": 0, "arch.depth": 3,
    }  # fmt: skip
    calm = {"loss": "steady-loss", "train.batch": 12, "aug": "ada"}
    image = DataInfo(shape=(3, 32, 32))
    return [
        named(Architecture, "blob", options=ArchOptions, recommended=recommended, conditional="optional"),
        named(Architecture, "plain"),
        named(Architecture, "dots", modalities=("points",), sizes=(2,)),
        named(Architecture, "strict", sizes=(32, 64), channels=(1, 3)),
        named(Architecture, "oblong", square=False),
        named(Architecture, "sides", sizes=(32, 64), square=False),
        named(Architecture, "labels", conditional="always"),
        named(Architecture, "styled", provides=("style",), refuses=("odd",)),
        named(Architecture, "normed", options=NormOptions, provides=norm_in_d, recommended=recommended),
        named(Architecture, "calm", options=NormOptions, recommended=calm),
        named(Loss, "coupled", batch_coupled=True),
        named(Loss, "steady", aliases=("steady-loss",), recommended=steady),
        named(Regularizer, "apart", refuses=("norm",)),
        named(Regularizer, "r1", **{"options": RegOptions, "aliases": ("r-one",), **changes}),
        named(Regularizer, "path-length", needs=("style",)),
        named(Regularizer, "oddity", provides=("odd",)),
        named(Regularizer, "pixels", modalities=("image",)),
        named(Augmentation, "ada"),
        named(Augmentation, "mirror", moves_pixels=True),
        named(Augmentation, "hue", modalities=("image",)),
        named(Metric, "fid"),
        named(Metric, "sharpness", modalities=("image",)),
        named(Metric, "distance", reads="features", extractor="looks"),
        named(Extractor, "looks", aliases=("eyes",), options=ArchOptions),
        named(Dataset, "grey", info=DataInfo(shape=(1, 32, 32))),
        named(Dataset, "colour", info=image),
        named(Dataset, "sized", options=SizeOptions, info=sized),
        named(Dataset, "wide", info=DataInfo(shape=(3, 32, 48))),
        named(Dataset, "odd-size", info=DataInfo(shape=(3, 60, 60))),
        named(Dataset, "alpha", info=DataInfo(shape=(4, 32, 32))),
        named(Dataset, "ring", options=PointOptions, info=DataInfo(shape=(2,), modality="points")),
        named(Dataset, "faces", info=DataInfo(shape=(3, 32, 32), label_shape=(40,))),
        Recipe(
            name="blob-recipe",
            summary="A recipe.",
            settings={"arch": "blob", "arch.width": 16, "train.batch": 16, "train.seed": 1, "optim.d.lr": 0.5},
        ),
    ]


def norm_in_d(options: NormOptions) -> tuple[str, ...]:
    return ("norm",) if options.norm == "batch" else ()


def sized(options: SizeOptions) -> DataInfo:
    return DataInfo(shape=(options.channels, options.size, options.size))


def module(components: list[Any]) -> ModuleType:
    made = ModuleType("acme")
    for kind, plural in PLURALS.items():
        offered = [component for component in components if component.kind == kind]
        vars(made)[f"ganzoo_{plural}"] = hookimpl(returning(offered), specname=f"ganzoo_{plural}")
    return made


def returning(offered: list[Any]) -> Callable[[], list[Any]]:
    return lambda: offered


def installed(components: list[Any] | None = None, **acme_fields: str) -> Registry:
    """Return a registry of the first-party plugins and, unless None, a plugin `acme` with these components."""
    registry = Registry()
    for name in ("dcgan", "losses", "datasets"):
        registry.add(Plugin(name, f"ganzoo_{name}", "ganzoo", "0.1.0"), partial(import_module, f"ganzoo_{name}"))
    if components is not None:
        origin = Plugin("acme", "acme", **(acme_fields or {"distribution": "acme-gans", "version": "1.2.3"}))
        registry.add(origin, lambda: module(components))
    assert not any(plugin.error for plugin in registry.plugins)
    return registry


REGISTRY = installed(acme())


def make(registry: Registry = REGISTRY, **said: Any) -> ResolvedRecipe:
    """Resolve with flags given as `arch=...` and the layers `recipe`, `config` and `pairs`."""
    layers = {key: said.pop(key) for key in ("recipe", "config", "pairs") if key in said}
    return resolve(registry, flags=said, **layers)


def refused(error: type[GanzooError] = UsageError, registry: Registry = REGISTRY, **said: Any) -> str:
    with pytest.raises(error) as caught:
        make(registry, **said)
    return str(caught.value)


def frozen(recipe: ResolvedRecipe) -> dict[str, Any]:
    """Return a recipe as it comes back from a file."""
    result: dict[str, Any] = json.loads(json.dumps(recipe.to_json(), allow_nan=False))
    return result
