"""Checks of models: weights that come with a plugin."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from ganzoo.errors import GanzooError
from ganzoo.hub import package
from ganzoo.hub.config import CONFIG, MODEL
from ganzoo.registry import registry
from ganzoo.testing.checks import Broken, Trial, require


def comes_along(trial: Trial) -> None:
    """The model package that its path names is in the plugin's data."""
    with _folder(trial) as folder:
        for name in (CONFIG, MODEL):
            require((folder / name).is_file(), f"{trial.spec.path} has no {name}: declare it as package data.")


def samples_as_loaded(trial: Trial) -> None:
    """It loads, and samples: the weights fit the architecture that the package names."""
    with _folder(trial) as folder:
        try:
            generator = package.load(folder, registry(), torch.device("cpu"))
            made = generator.sample(4, seed=0)
        except GanzooError as error:
            raise Broken(f"{error}.") from error
    require(len(made) == 4, f"Of 4 samples it made {list(made.shape)}.")
    require(made.dtype == np.uint8 or bool(np.isfinite(made).all()), "It made numbers that are not finite.")


@contextmanager
def _folder(trial: Trial) -> Iterator[Path]:
    module, _, folder = trial.spec.path.partition(":")
    try:
        place = importlib.resources.files(module).joinpath(folder)
    except ImportError as error:
        raise Broken(f"{module!r} cannot be imported: {error}.") from error
    require(place.is_dir(), f"{trial.spec.path} is no folder.")
    with importlib.resources.as_file(place) as path:
        yield path
