"""ganzoo: train, sample and share generative adversarial networks, assembled from plugins.

    run = ganzoo.train(arch="dcgan", loss="bce", dataset="digits", options={"train.images": 50_000})
    images = ganzoo.load(run).images(64, seed=0)  # PIL images
    ganzoo.publish(run, "user/model")             # for ganzoo.load("user/model") anywhere

Importing this package does not import torch; `train`, `load` and the other functions do so when they are called.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

TYPE_CHECKING = False  # as in `typing`, which takes long to import
if TYPE_CHECKING:
    from typing import Any

    from ganzoo.comparing import compare
    from ganzoo.datasets import check_data
    from ganzoo.errors import GanzooError
    from ganzoo.exploring import (
        find_directions,
        find_neighbours,
        interpolate,
        mix_styles,
        project_image,
        show_truncation,
    )
    from ganzoo.exporting import demo, export, publish_demo
    from ganzoo.measuring import evaluate
    from ganzoo.models import apply, import_weights, load, package, verify
    from ganzoo.plugin import DataInfo
    from ganzoo.registry import create, register, registry
    from ganzoo.report.write import report
    from ganzoo.runs.run import Run, find_run, list_runs
    from ganzoo.sharing import publish, pull, search
    from ganzoo.sweeping import sweep
    from ganzoo.training import train

    __version__: str

__all__ = [
    "DataInfo",
    "GanzooError",
    "Run",
    "apply",
    "check_data",
    "compare",
    "create",
    "demo",
    "evaluate",
    "export",
    "find_directions",
    "find_neighbours",
    "find_run",
    "import_weights",
    "interpolate",
    "list_runs",
    "load",
    "mix_styles",
    "package",
    "project_image",
    "publish",
    "publish_demo",
    "pull",
    "register",
    "registry",
    "report",
    "search",
    "show_truncation",
    "sweep",
    "train",
    "verify",
]

_ORIGINS = {
    "ganzoo.comparing": ("compare",),
    "ganzoo.datasets": ("check_data",),
    "ganzoo.errors": ("GanzooError",),
    "ganzoo.exporting": ("demo", "export", "publish_demo"),
    "ganzoo.exploring": (
        "find_directions",
        "find_neighbours",
        "interpolate",
        "mix_styles",
        "project_image",
        "show_truncation",
    ),
    "ganzoo.measuring": ("evaluate",),
    "ganzoo.models": ("apply", "import_weights", "load", "package", "verify"),
    "ganzoo.plugin": ("DataInfo",),
    "ganzoo.registry": ("create", "register", "registry"),
    "ganzoo.report.write": ("report",),
    "ganzoo.runs.run": ("Run", "find_run", "list_runs"),
    "ganzoo.sharing": ("publish", "pull", "search"),
    "ganzoo.sweeping": ("sweep",),
    "ganzoo.training": ("train",),
}
_MODULES = {name: module for module, names in _ORIGINS.items() for name in names}


class _LazyPackage(ModuleType):
    """The package `ganzoo`, whose public names are imported at their first use.

    Thus `ganzoo.__main__` runs before all other modules are imported, and handles Ctrl-C meanwhile.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            from importlib import metadata

            return metadata.version("ganzoo")
        if name not in _MODULES:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_MODULES[name]), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, unless it is a module: `package`, `registry` and `report` mean the functions."""
        if name not in _MODULES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _LazyPackage
