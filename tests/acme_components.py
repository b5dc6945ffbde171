"""Components of a made-up plugin, ``acme``, one for each mistake of a recipe, and functions that resolve recipes."""

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


def make_spec(kind: Any, name: str, **fields: Any) -> Any:
    return kind(name=name, summary=f"{name}.", factory=FACTORY, **fields)


def make_components(**changes: Any) -> list[Any]:
    """Return the components of ``acme``; `changes` are fields of its regularizer r1."""
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
        make_spec(Architecture, "blob", options=ArchOptions, recommended=recommended, conditional="optional"),
        make_spec(Architecture, "plain"),
        make_spec(Architecture, "dots", modalities=("points",), sizes=(2,)),
        make_spec(Architecture, "strict", sizes=(32, 64), channels=(1, 3)),
        make_spec(Architecture, "oblong", square=False),
        make_spec(Architecture, "sides", sizes=(32, 64), square=False),
        make_spec(Architecture, "labels", conditional="always"),
        make_spec(Architecture, "styled", provides=("style",), refuses=("odd",)),
        make_spec(Architecture, "normed", options=NormOptions, provides=provide_norm, recommended=recommended),
        make_spec(Architecture, "calm", options=NormOptions, recommended=calm),
        make_spec(Loss, "coupled", batch_coupled=True),
        make_spec(Loss, "steady", aliases=("steady-loss",), recommended=steady),
        make_spec(Regularizer, "apart", refuses=("norm",)),
        make_spec(Regularizer, "r1", **{"options": RegOptions, "aliases": ("r-one",), **changes}),
        make_spec(Regularizer, "path-length", needs=("style",)),
        make_spec(Regularizer, "oddity", provides=("odd",)),
        make_spec(Regularizer, "pixels", modalities=("image",)),
        make_spec(Augmentation, "ada"),
        make_spec(Augmentation, "mirror", moves_pixels=True),
        make_spec(Augmentation, "hue", modalities=("image",)),
        make_spec(Metric, "fid"),
        make_spec(Metric, "sharpness", modalities=("image",)),
        make_spec(Metric, "distance", reads="features", extractor="looks"),
        make_spec(Extractor, "looks", aliases=("eyes",), options=ArchOptions),
        make_spec(Dataset, "grey", info=DataInfo(shape=(1, 32, 32))),
        make_spec(Dataset, "colour", info=image),
        make_spec(Dataset, "sized", options=SizeOptions, info=describe_data),
        make_spec(Dataset, "wide", info=DataInfo(shape=(3, 32, 48))),
        make_spec(Dataset, "odd-size", info=DataInfo(shape=(3, 60, 60))),
        make_spec(Dataset, "alpha", info=DataInfo(shape=(4, 32, 32))),
        make_spec(Dataset, "ring", options=PointOptions, info=DataInfo(shape=(2,), modality="points")),
        make_spec(Dataset, "faces", info=DataInfo(shape=(3, 32, 32), label_shape=(40,))),
        Recipe(
            name="blob-recipe",
            summary="A recipe.",
            settings={"arch": "blob", "arch.width": 16, "train.batch": 16, "train.seed": 1, "optim.d.lr": 0.5},
        ),
    ]


def provide_norm(options: NormOptions) -> tuple[str, ...]:
    return ("norm",) if options.norm == "batch" else ()


def describe_data(options: SizeOptions) -> DataInfo:
    return DataInfo(shape=(options.channels, options.size, options.size))


def make_module(components: list[Any]) -> ModuleType:
    made = ModuleType("acme")
    for kind, plural in PLURALS.items():
        offered = [component for component in components if component.kind == kind]
        vars(made)[f"ganzoo_{plural}"] = hookimpl(make_hook(offered), specname=f"ganzoo_{plural}")
    return made


def make_hook(offered: list[Any]) -> Callable[[], list[Any]]:
    return lambda: offered


def make_registry(components: list[Any] | None = None, **acme_fields: str) -> Registry:
    """Return a registry of three first-party plugins and, unless `components` is None, of ``acme`` with these."""
    registry = Registry()
    for name in ("dcgan", "losses", "datasets"):
        registry.add(Plugin(name, f"ganzoo_{name}", "ganzoo", "0.1.0"), partial(import_module, f"ganzoo_{name}"))
    if components is not None:
        origin = Plugin("acme", "acme", **(acme_fields or {"distribution": "acme-gans", "version": "1.2.3"}))
        registry.add(origin, lambda: make_module(components))
    assert not any(plugin.error for plugin in registry.plugins)
    return registry


REGISTRY = make_registry(make_components())


def resolve_recipe(registry: Registry = REGISTRY, **given: Any) -> ResolvedRecipe:
    """Resolve a recipe of these flags (``arch=...``) and of the layers ``recipe``, ``config`` and ``pairs``."""
    layers = {key: given.pop(key) for key in ("recipe", "config", "pairs") if key in given}
    return resolve(registry, flags=given, **layers)


def expect_refusal(error: type[GanzooError] = UsageError, registry: Registry = REGISTRY, **given: Any) -> str:
    """Resolve a recipe, which must raise this error, and return the error's text."""
    with pytest.raises(error) as caught:
        resolve_recipe(registry, **given)
    return str(caught.value)


def freeze_and_reload(recipe: ResolvedRecipe) -> dict[str, Any]:
    """Return a recipe as it is read back from a file."""
    result: dict[str, Any] = json.loads(json.dumps(recipe.to_json(), allow_nan=False))
    return result
