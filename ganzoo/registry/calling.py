"""What a plugin names by its path: imported, and checked to be called as the contract of its kind says."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from ganzoo.errors import suggest_names
from ganzoo.plugin import Augmentation, Component, Metric
from ganzoo.registry.failures import append_line, locate_definition


def import_object(path: str) -> Any:
    """Import the object of a path ``"package.module:name"``; raise AttributeError if the module lacks it."""
    module_name, _, name = path.partition(":")
    module = importlib.import_module(module_name)
    if not hasattr(module, name):
        raise AttributeError(f"{module_name} has no {name!r}{suggest_names(name, vars(module))}")
    return getattr(module, name)


def require_callable(found: Any, name: str, *arguments: str) -> None:
    """Raise TypeError, with the line of the definition, if an object cannot be called with these arguments."""
    if not callable(found):
        raise TypeError(f"{name} is not a function or class, but {type(found).__name__}")
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # functions that are written in C may have no signature
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        words = f"{name} is defined with {signature} and called with ({', '.join(arguments)})"
        raise TypeError(append_line(words, locate_definition(found))) from error


# For each kind, the methods that are called and their arguments. A question mark means that the method is optional.
METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "loss": {"discriminator": ("real", "fake"), "generator": ("fake", "real")},
    "dataset": {"sample?": ("generator", "n"), "items?": ()},
    "regularizer": {
        "prepare?": ("networks",), "discriminator?": ("step",), "generator?": ("step",),
        "move_latents?": ("z", "judge"), "replace_fakes?": ("fake",),
        "weigh_adversarial?": ("adversarial", "others", "step"), "after_step?": ("networks",), "report?": (),
    },
    "augmentation": {"__call__": ("batch",), "update?": ("real_logits",), "report?": ()},
    "extractor": {"__call__": ("samples",), "prepare?": ("real",)},
    "diagnosis": {"__call__": ("rows", "recipe")},
    "exporter": {"__call__": ("generator", "directory")},
    "tracker": {
        "start": ("run",), "log": ("images", "scalars"), "grid": ("images", "path"), "verdict?": ("images", "verdict"),
        "finish": ("status",),
    },
}  # fmt: skip


def list_methods(spec: Component) -> Mapping[str, tuple[str, ...]]:
    """Return the methods of a component's runtime object and their arguments, as `METHODS`; empty if any will do."""
    if isinstance(spec, Augmentation) and spec.mixes_fakes:
        others = {name: arguments for name, arguments in METHODS[spec.kind].items() if name != "__call__"}
        return {"mix": ("real", "fake"), **others}
    if not isinstance(spec, Metric):
        return METHODS.get(spec.kind, {})
    more = ("labels",) if spec.labels else ()
    given: dict[str, tuple[str, ...]] = {"real": ("batch", *more), "fake": ("batch", *more)}
    if spec.pairs or spec.paths:
        given = {"pair": ("real", "fake", "labels")} if spec.pairs else {"path": ("start", "end", "step")}
    if spec.held_out:
        given["held_out"] = ("batch",)
    return {"reset": (), **given, "compute": ()}


def require_methods(spec: Component, built: object) -> None:
    """Raise TypeError if a runtime object lacks a method of its kind or a method takes other arguments."""
    if isinstance(built, type):
        raise TypeError(f"it returned the class {built.__name__}, not an instance of it")
    for name, arguments in list_methods(spec).items():
        method = getattr(built, name.rstrip("?"), None)
        if method is None and not name.endswith("?"):
            near = suggest_names(name, [each for each in dir(built) if not each.startswith("__")])
            raise TypeError(f"{type(built).__name__} has no {name}({', '.join(arguments)}){near}")
        if method is not None:
            require_callable(method, name.rstrip("?"), *arguments)
